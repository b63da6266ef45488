// From a host name to a stream that can be used: by `connect_to`, through `upstream.proxy` or directly, with TLS
// where that is asked for.
#ifndef GITLATCH_DIAL_H
#define GITLATCH_DIAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <gitlatch/attr.h>
#include <gitlatch/verdict.h>

#include "connect.h"

struct loop;
struct resolver;
struct stream;
struct secret;
struct tls_client;
struct dial;

// As curl's --connect-to: an empty host or port 0 stands for any (from) and for unchanged (to).
struct dial_override {
    const char *from_host;
    uint16_t from_port;
    const char *to_host;
    uint16_t to_port;
};

// What all dials share; its parts are owned by who made it and outlive all dials.
struct dialer {
    struct loop *loop;
    struct resolver *resolver;
    const struct dial_override *overrides;
    size_t override_count;
    const char *proxy_host; // NULL: the way out is direct
    uint16_t proxy_port;
    struct tls_client *proxy_tls;       // of an https:// proxy; NULL: http://
    struct secret *proxy_authorization; // "Basic …", toward the proxy alone; NULL: none
    const char *const *no_proxy;        // host names, ".suffix", "*"
    size_t no_proxy_count;
    int64_t timeout_ms; // `limits.connect`: of the whole dial
};

struct dial_request {
    const char *host; // made normal; also the name that the certificate must have
    uint16_t port;
    bool absolute;               // resolv.conf's search list is not used for the host
    struct tls_client *tls;      // NULL: plain
    connect_allowed_fn *allowed; // judges the addresses dialled, but not those that `connect_to` or the proxy name
    void *allowed_arg;
};

// Exactly one of the two is not NULL. The stream is the callee's; it has no owner yet.
typedef void dial_done_fn(void *arg, struct stream *stream, const struct verdict *verdict);

// Ends with `done`, or with dial_cancel.
struct dial *dial_start(const struct dialer *dialer, const struct dial_request *request, dial_done_fn *done, void *arg)
    GL_MUST_CHECK;
void dial_cancel(struct dial *dial);

// The entry of `connect_to` that names this host and port; NULL: none.
const struct dial_override *dial_override_find(const struct dialer *dialer, const char *host, uint16_t port);

// Whether the way to this host leads through `upstream.proxy`: then names cannot be judged by their addresses.
bool dial_goes_through_proxy(const struct dialer *dialer, const char *host, uint16_t port);

#endif
