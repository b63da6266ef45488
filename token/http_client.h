// The way of our own calls to the network: curl's multi interface on the event loop, and nothing else. Names come
// from the one resolver, the way out from the configuration; the environment is never read.
#ifndef GITLATCH_HTTP_CLIENT_H
#define GITLATCH_HTTP_CLIENT_H

#include <stddef.h>
#include <stdint.h>

#include <gitlatch/attr.h>
#include <gitlatch/error.h>

#include "http_transport.h"

struct loop;
struct resolver;
struct http_client;

// As curl's --connect-to: an empty host or port 0 stands for any (from), for unchanged (to).
struct http_connect_to {
    const char *from_host; // lower case
    uint16_t from_port;
    const char *to_host;
    uint16_t to_port;
};

struct http_route {
    const char *proxy;           // "http://proxy.corp:3128"; NULL: direct
    const char *const *no_proxy; // ".corp", "host"
    size_t no_proxy_count;
    const struct http_connect_to *connect_to;
    size_t connect_to_count;
};

// `route` is copied. NULL when curl cannot be set up.
struct http_client *http_client_new(struct loop *loop, struct resolver *resolver, const struct http_route *route,
                                    int64_t connect_ms, struct error *ret_error) GL_MUST_CHECK;
// Ends every request without calling back; NULL is allowed.
void http_client_free(struct http_client *client);
struct http_transport *http_client_transport(struct http_client *client);

#endif
