#include "http_address.h"

#include <ctype.h>
#include <curl/curl.h>
#include <stdlib.h>

#include "mem.h"

bool http_address_of_url(const char *url, struct http_address *ret_address)
{
    CURLU *parts = curl_url();
    char *host = NULL, *port = NULL;
    bool done = parts && curl_url_set(parts, CURLUPART_URL, url, CURLU_DISALLOW_USER) == CURLUE_OK &&
                curl_url_get(parts, CURLUPART_HOST, &host, 0) == CURLUE_OK &&
                curl_url_get(parts, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) == CURLUE_OK;

    if (done) {
        struct http_address address = {0};
        http_address_set(&address, host, (uint16_t)strtoul(port, NULL, 10));
        *ret_address = address;
    }
    curl_free(host);
    curl_free(port);
    curl_url_cleanup(parts);
    return done;
}

void http_address_set(struct http_address *address, const char *host, uint16_t port)
{
    char *copy = mem_string(host);

    for (char *c = copy; *c; c++)
        *c = (char)tolower((unsigned char)*c);
    mem_free(address->host);
    *address = (struct http_address){.host = copy, .port = port};
}

void http_address_clear(struct http_address *address)
{
    mem_free(address->host);
    *address = (struct http_address){0};
}
