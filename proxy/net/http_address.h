// The host and port of a URL.
#ifndef GITLATCH_HTTP_ADDRESS_H
#define GITLATCH_HTTP_ADDRESS_H

#include <stdbool.h>
#include <stdint.h>

#include <gitlatch/attr.h>

struct http_address {
    char *host; // lower case; IPv6 with its brackets
    uint16_t port;
};

// Of an http or https URL, the scheme's port where it names none. False: it is none.
bool http_address_of_url(const char *url, struct http_address *ret_address) GL_MUST_CHECK;
// `host` is copied; it may be the one that is there.
void http_address_set(struct http_address *address, const char *host, uint16_t port);
void http_address_clear(struct http_address *address);

#endif
