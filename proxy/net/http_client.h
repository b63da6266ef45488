// The way of our own calls to the network: curl's multi interface on the event loop, and nothing else. Names come
// from the one resolver, the way out from the configuration; the environment is never read.
#ifndef GITLATCH_HTTP_CLIENT_H
#define GITLATCH_HTTP_CLIENT_H

#include <gitlatch/attr.h>

#include "error.h"
#include "http_transport.h"

struct dialer;
struct http_client;

// The dialer says how hosts are reached (loop, resolver, connect_to, proxy, limits.connect); it outlives the client.
// NULL when curl cannot be set up.
struct http_client *http_client_new(const struct dialer *dialer, struct error *ret_error) GL_MUST_CHECK;
// Ends every request without calling back; NULL is allowed.
void http_client_free(struct http_client *client);
struct http_transport *http_client_transport(struct http_client *client);

#endif
