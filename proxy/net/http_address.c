#include "http_address.h"

#include <ctype.h>

#include "mem.h"
#include "web_url.h"

bool http_address_of_url(const char *url, struct http_address *ret_address)
{
    struct http_address address = {0};
    bool read = web_url_authority(url, &address.host, &address.port);

    if (read)
        *ret_address = address;
    return read;
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
