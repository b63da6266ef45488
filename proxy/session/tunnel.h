// A blind tunnel to a host that is no GitHub: bytes both ways, of which only the ClientHello is looked at.
#ifndef GITLATCH_TUNNEL_H
#define GITLATCH_TUNNEL_H

#include <stdint.h>

#include <gitlatch/reason.h>
#include <gitlatch/verdict.h>

#include "host_name.h"

struct head;
struct runtime;
struct session;
struct tunnel;

// Decides by `other_hosts` and, as far as the name alone tells, by the address.
bool tunnel_allowed(const struct runtime *runtime, const struct host_name *host, uint16_t port,
                    struct verdict *ret_verdict) GL_MUST_CHECK;

// Dials, and takes the client over once that is done. `connect`: the CONNECT request that waits at the front of the
// client's input, to be answered; NULL: transparent, what the client sent is the tunnel's.
void tunnel_start(struct session *session, const struct host_name *host, uint16_t port, const struct head *connect);
// Cuts it: the event says why. For session_close alone.
void tunnel_cut(struct tunnel *tunnel, enum reason reason);
// The client's stream has news while the dial is under way.
void tunnel_client_input(struct tunnel *tunnel);

#endif
