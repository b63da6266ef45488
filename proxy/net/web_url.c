#include "web_url.h"

#include <ctype.h>
#include <curl/curl.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"

static bool has_part(CURLU *url, CURLUPart part)
{
    char *text = NULL;
    bool there = curl_url_get(url, part, &text, 0) == CURLUE_OK && text[0] != '\0';

    curl_free(text);
    return there;
}

// Also an empty one: "https://@host".
static bool has_user(CURLU *url)
{
    char *text = NULL;
    bool there = curl_url_get(url, CURLUPART_USER, &text, 0) == CURLUE_OK;

    curl_free(text);
    return there;
}

static bool part_is(CURLU *url, CURLUPart part, const char *value)
{
    char *text = NULL;
    bool same = curl_url_get(url, part, &text, 0) == CURLUE_OK && strcmp(text, value) == 0;

    curl_free(text);
    return same;
}

static bool check_parts(CURLU *url, enum web_url_kind kind, struct error *error)
{
    if (!part_is(url, CURLUPART_SCHEME, "http") && !part_is(url, CURLUPART_SCHEME, "https"))
        return error_set(error, "must begin with http:// or https://");
    if (kind == WEB_URL_TLS && !part_is(url, CURLUPART_SCHEME, "https"))
        return error_set(error, "must begin with https://: a token never goes over plain HTTP");
    if (kind == WEB_URL_PROXY && has_part(url, CURLUPART_PASSWORD))
        return error_set(error, "must hold no password: name the file that holds it in `upstream.password_file`, and "
                                "keep the user in the URL");
    if (kind != WEB_URL_PROXY && (has_user(url) || has_part(url, CURLUPART_PASSWORD)))
        return error_set(error, "must hold no user and no password: a secret has no place in the configuration");
    if (has_part(url, CURLUPART_QUERY) || has_part(url, CURLUPART_FRAGMENT))
        return error_set(error, "must end before any ? or #");
    if (kind == WEB_URL_PROXY && !part_is(url, CURLUPART_PATH, "/"))
        return error_set(error, "must end after the port: http://proxy.corp:3128");
    return true;
}

bool web_url_check(struct bytes text, const enum web_url_kind *kind, struct error *ret_error)
{
    char *string = mem_bytes_string(text);
    CURLU *url = curl_url();
    CURLUcode code = url ? curl_url_set(url, CURLUPART_URL, string, CURLU_NON_SUPPORT_SCHEME) : CURLUE_OUT_OF_MEMORY;
    bool ok;

    if (code != CURLUE_OK)
        ok = error_set(ret_error, "must be a URL such as https://host:port, not \"%.200s\" (%s)", string,
                       curl_url_strerror(code));
    else
        ok = check_parts(url, kind ? *kind : WEB_URL_ANY, ret_error);
    curl_url_cleanup(url);
    mem_free(string);
    return ok;
}

// A part of the URL, decoded; owned by the caller. NULL: it has none.
static char *copy_part(CURLU *url, CURLUPart part, unsigned flags)
{
    char *text = NULL, *copy = NULL;

    if (curl_url_get(url, part, &text, flags) == CURLUE_OK && text[0] != '\0')
        copy = mem_string(text);
    if (text && part == CURLUPART_PASSWORD)
        OPENSSL_cleanse(text, strlen(text));
    curl_free(text);
    return copy;
}

static char *web_url_lower(char *text)
{
    for (char *c = text; *c; c++)
        *c = (char)tolower((unsigned char)*c);
    return text;
}

bool web_url_authority(const char *text, char **ret_host, uint16_t *ret_port)
{
    CURLU *url = curl_url();
    bool read = url && curl_url_set(url, CURLUPART_URL, text, CURLU_DISALLOW_USER) == CURLUE_OK;
    char *host = read ? copy_part(url, CURLUPART_HOST, 0) : NULL;
    char *port = read ? copy_part(url, CURLUPART_PORT, CURLU_DEFAULT_PORT) : NULL;

    read = host && port;
    if (read) {
        *ret_host = web_url_lower(host);
        *ret_port = (uint16_t)strtoul(port, NULL, 10);
    } else {
        mem_free(host);
    }
    mem_free(port);
    curl_url_cleanup(url);
    return read;
}

// "[::1]" without its brackets.
static char *bare_host(char *host)
{
    size_t size = strlen(host);

    if (host[0] == '[' && host[size - 1] == ']') {
        memmove(host, host + 1, size - 2);
        host[size - 2] = '\0';
    }
    return host;
}

bool web_url_proxy_parse(const char *text, struct web_url_proxy *ret_proxy, struct error *ret_error)
{
    struct web_url_proxy proxy = {0};
    CURLU *url = curl_url();
    char *port;

    // RFC 3986 has no URL without a scheme; the environment's proxies often have none, and mean http.
    CURLUcode code = url ? curl_url_set(url, CURLUPART_URL, text, CURLU_NON_SUPPORT_SCHEME | CURLU_GUESS_SCHEME)
                         : CURLUE_OUT_OF_MEMORY;
    bool tls = code == CURLUE_OK && part_is(url, CURLUPART_SCHEME, "https");
    if (code != CURLUE_OK || (!tls && !part_is(url, CURLUPART_SCHEME, "http"))) {
        curl_url_cleanup(url);
        return error_set(ret_error, "must be a URL such as http://proxy.corp:3128 or https://proxy.corp:3129");
    }
    proxy.tls = tls;
    proxy.host = bare_host(web_url_lower(copy_part(url, CURLUPART_HOST, 0)));
    port = copy_part(url, CURLUPART_PORT, 0);
    proxy.port = port ? (uint16_t)strtoul(port, NULL, 10) : tls ? 443 : 80;
    proxy.user = copy_part(url, CURLUPART_USER, CURLU_URLDECODE);
    proxy.password = copy_part(url, CURLUPART_PASSWORD, CURLU_URLDECODE);
    mem_free(port);
    curl_url_cleanup(url);
    *ret_proxy = proxy;
    return true;
}

void web_url_proxy_clear(struct web_url_proxy *proxy)
{
    mem_free(proxy->host);
    mem_free(proxy->user);
    mem_wiping_free(proxy->password);
    *proxy = (struct web_url_proxy){0};
}

char *web_url_proxy_text(const struct web_url_proxy *proxy)
{
    bool literal_v6 = strchr(proxy->host, ':') != NULL;
    char *user = proxy->user ? curl_easy_escape(NULL, proxy->user, 0) : NULL;
    char *text = mem_format("%s://%s%s%s%s%s:%u", proxy->tls ? "https" : "http", user ? user : "", user ? "@" : "",
                            literal_v6 ? "[" : "", proxy->host, literal_v6 ? "]" : "", proxy->port);

    curl_free(user);
    return text;
}
