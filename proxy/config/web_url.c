#include "web_url.h"

#include <curl/curl.h>

#include "mem.h"

static bool has_part(CURLU *url, CURLUPart part)
{
    char *text = NULL;
    bool there = curl_url_get(url, part, &text, 0) == CURLUE_OK && text[0] != '\0';

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
    if (kind == WEB_URL_PROXY && !part_is(url, CURLUPART_SCHEME, "http"))
        return error_set(error, "must begin with http://: the proxy is asked to CONNECT over plain HTTP, the TLS "
                                "is inside");
    if (has_part(url, CURLUPART_USER) || has_part(url, CURLUPART_PASSWORD))
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
