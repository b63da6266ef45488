// Any text as a URL of the configuration or of the environment: what is taken has a host and no secret, and a proxy's
// URL means the same once it is written again.
#include "web_url.h"

#include "fuzz.h"
#include "mem.h"

static void check_url(struct bytes text, const char *string)
{
    static const enum web_url_kind kinds[] = {WEB_URL_ANY, WEB_URL_TLS, WEB_URL_PROXY};
    struct error error = {""};
    char *host;
    uint16_t port;

    for (size_t i = 0; i < WEB_URL_KIND_COUNT; i++) {
        bool ok = web_url_check(text, &kinds[i], &error);

        FUZZ_CHECK(ok || error.text[0]);
        FUZZ_CHECK(!ok || kinds[i] != WEB_URL_TLS || web_url_check(text, NULL, &error));
        if (!ok || kinds[i] == WEB_URL_PROXY)
            continue;
        FUZZ_CHECK(web_url_authority(string, &host, &port) && *host && !strpbrk(host, "@/?# "));
        mem_free(host);
    }
}

static bool same(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

static void check_proxy(const char *string)
{
    struct web_url_proxy proxy, again;
    struct error error = {""};
    char *text;

    if (!web_url_proxy_parse(string, &proxy, &error)) {
        FUZZ_CHECK(error.text[0]);
        return;
    }
    FUZZ_CHECK(proxy.host && *proxy.host);
    text = web_url_proxy_text(&proxy);
    FUZZ_CHECK(web_url_proxy_parse(text, &again, &error));
    FUZZ_CHECK(again.tls == proxy.tls && again.port == proxy.port && same(again.host, proxy.host));
    FUZZ_CHECK(same(again.user, proxy.user) && !again.password);
    web_url_proxy_clear(&again);
    web_url_proxy_clear(&proxy);
    mem_free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes text = bytes_of((const char *)data, size);
    char *string;

    if (size && memchr(data, '\0', size))
        return 0;
    string = mem_bytes_string(text);
    check_url(text, string);
    check_proxy(string);
    mem_free(string);
    return 0;
}
