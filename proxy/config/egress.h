// How a process reaches the network, as its configuration says: the one resolver, `connect_to` of all GitHubs,
// `upstream.proxy` and `limits.connect`.
#ifndef GITLATCH_EGRESS_H
#define GITLATCH_EGRESS_H

#include <stdbool.h>

#include <gitlatch/attr.h>

#include "dial.h"
#include "error.h"

struct config;
struct loop;

// Embedded by its owner, who stays where it is: the dialer is pointed to.
struct egress {
    struct dialer dialer;
    struct resolver *resolver;
    struct dial_override *overrides;
    char *proxy_host;
    struct tls_client *proxy_tls; // of an https:// proxy; NULL: http://
    struct secret *authorization; // toward the proxy; NULL: none
};

// The configuration outlives it. On failure there is nothing to be cleared.
bool egress_init(struct egress *egress, struct loop *loop, const struct config *config, struct error *ret_error)
    GL_MUST_CHECK;
// All dials and calls have ended. Nothing where it is all zero.
void egress_clear(struct egress *egress);

#endif
