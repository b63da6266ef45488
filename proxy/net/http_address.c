#include "http_address.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <curl/curl.h>
#include <inttypes.h>
#include <stdlib.h>

#include "mem.h"
#include "resolve.h"
#include "text.h"

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

char *http_address_resolved(const struct http_address *address, const struct resolve_answer *answer)
{
    struct text line = {0};

    text_format(&line, "%s:%" PRIu16 ":", address->host, address->port);
    for (size_t i = 0; i < answer->count; i++) {
        const union resolve_address *one = &answer->addresses[i];
        bool v6 = one->any.sa_family == AF_INET6;
        char text[INET6_ADDRSTRLEN];

        inet_ntop(one->any.sa_family, v6 ? (const void *)&one->v6.sin6_addr : &one->v4.sin_addr, text, sizeof(text));
        text_format(&line, v6 ? "%s[%s]" : "%s%s", i ? "," : "", text);
    }
    return line.data;
}
