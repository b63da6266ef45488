// A blind tunnel to a host that is no GitHub: bytes both ways, of which only the ClientHello is looked at.
#ifndef GITLATCH_TUNNEL_H
#define GITLATCH_TUNNEL_H

#include <stdint.h>

#include <gitlatch/reason.h>
#include <gitlatch/verdict.h>

#include "client.h"
#include "host_name.h"

struct head;
struct runtime;
struct tunnel;

// Decides by `other_hosts` and, as far as it follows from the name alone, by the address.
bool tunnel_allowed(const struct runtime *runtime, const struct host_name *host, uint16_t port,
                    struct verdict *ret_verdict) GL_MUST_CHECK;

// The dial was refused or has failed; the tunnel is gone. `connect` is to be answered with the verdict.
typedef void tunnel_refused_fn(void *arg, const struct head *connect, const struct verdict *verdict);

// Dials `client->host`, and takes the client over once that is done. `connect`: the CONNECT request that waits at the
// front of the client's input, to be answered; NULL: transparent, what the client sent is the tunnel's. `refused` is given
// the client's `arg`, and is never called from inside.
struct tunnel *tunnel_start(struct client *client, uint16_t port, const struct head *connect,
                            tunnel_refused_fn *refused) GL_MUST_CHECK;
// The connection ends: the tunnel is recorded with this reason, and freed.
void tunnel_abort(struct tunnel *tunnel, enum reason reason);
// While the dial is in progress the client's stream has more input, or its end.
void tunnel_client_input(struct tunnel *tunnel);

#endif
