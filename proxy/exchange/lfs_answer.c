#include "lfs_answer.h"

#include <jansson.h>

#include "host_name.h"
#include "secret.h"

#define HTTPS_PORT 443

struct cleaning {
    const struct git_host *host;
    struct bytes token;      // empty: none was attached
    struct bytes credential; // what follows the scheme of our Authorization
};

static bool holds_credential(const struct cleaning *cleaning, struct bytes text)
{
    return (cleaning->token.size > 0 && bytes_contain(text, cleaning->token)) ||
           (cleaning->credential.size > 0 && bytes_contain(text, cleaning->credential));
}

// Whether a URL leads to the host itself.
static bool leads_to_host(const struct git_host *host, const char *href)
{
    struct bytes rest, scheme = BYTES("https://"), authority;
    struct host_name name;
    uint16_t port;

    if (!href || strncasecmp(href, scheme.data, scheme.size) != 0)
        return false;
    rest = bytes_of_string(href + scheme.size);
    authority = bytes_of(rest.data, strcspn(rest.data, "/?#"));
    return host_name_parse_authority(authority, HTTPS_PORT, &name, &port) && port == host->port &&
           bytes_equal(host_name_bytes(&name), bytes_of_string(host->name));
}

static void clean_header(const struct cleaning *cleaning, json_t *header, bool own)
{
    const char *name;
    json_t *value;
    void *next;

    json_object_foreach_safe(header, next, name, value) {
        bool is_authorization = strcasecmp(name, "Authorization") == 0;

        if ((own && is_authorization) || holds_credential(cleaning, bytes_of_string(json_string_value(value))))
            json_object_del(header, name);
    }
}

// Every object that has a `header`, however deep it lies.
static void clean(const struct cleaning *cleaning, json_t *at)
{
    json_t *header = json_object_get(at, "header"), *value;
    const char *name;
    size_t i;

    if (json_is_object(header))
        clean_header(cleaning, header, leads_to_host(cleaning->host, json_string_value(json_object_get(at, "href"))));
    json_object_foreach(at, name, value)
        clean(cleaning, value);
    json_array_foreach(at, i, value)
        clean(cleaning, value);
}

bool lfs_answer_clean(const struct git_host *host, struct bytes answer, const struct secret *token,
                      struct bytes authorization, struct text *out)
{
    json_t *root = json_loadb(answer.data ? answer.data : "", answer.size, 0, NULL);
    struct cleaning cleaning = {.host = host, .token = token ? secret_bytes(token) : BYTES("")};
    struct bytes scheme;
    char *written;
    bool ok;

    bytes_cut(authorization, ' ', &scheme, &cleaning.credential);
    if (!json_is_object(root)) {
        json_decref(root);
        return false;
    }
    clean(&cleaning, root);
    written = json_dumps(root, JSON_COMPACT);
    json_decref(root);
    ok = written && !holds_credential(&cleaning, bytes_of_string(written));
    if (ok)
        text_append(out, written);
    free(written);
    return ok;
}
