// The way out of whoever calls `gitlatch run`: the proxy that the environment names, and the CA files that count there.
//
// On a company's network a laptop reaches GitHub by `https_proxy` alone, and what comes through it is often signed by the
// company's own CA, which SSL_CERT_FILE or one of its kin names.
#ifndef GITLATCH_CALLER_EGRESS_H
#define GITLATCH_CALLER_EGRESS_H

#include <stdbool.h>

#include <gitlatch/attr.h>

#include "error.h"

struct config;

// Takes it over into the configuration, unless that names `upstream.proxy` itself. The CA files are added to `ca.roots`;
// where there is a proxy, what is reached through it may be signed by them, too: the roots that then count are written
// into `directory`. Fails for a proxy that cannot be used, naming the variable.
bool caller_egress_take(struct config *config, const char *directory, struct error *ret_error) GL_MUST_CHECK;

#endif
