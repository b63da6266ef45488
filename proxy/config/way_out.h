// How a process reaches the network, as its configuration says: the one resolver, `connect_to` of all GitHubs,
// `upstream.proxy` and `limits.connect`.
#ifndef GITLATCH_WAY_OUT_H
#define GITLATCH_WAY_OUT_H

#include <stdbool.h>

#include <gitlatch/attr.h>

#include "dial.h"
#include "error.h"

struct config;
struct loop;

// Embedded by its owner, who stays where it is: the dialer is pointed to.
struct way_out {
    struct dialer dialer;
    struct resolver *resolver;
    struct dial_override *overrides;
    char *proxy_host;
    struct tls_client *proxy_tls; // of an https:// proxy; NULL: http://
    struct secret *authorization; // toward the proxy; NULL: none
};

// The configuration outlives it. On failure there is nothing to be cleared.
bool way_out_init(struct way_out *way, struct loop *loop, const struct config *config, struct error *ret_error)
    GL_MUST_CHECK;
// All dials and calls have ended. Nothing where it is all zero.
void way_out_clear(struct way_out *way);

#endif
