// A connection that is not served: for which there is no room (`limits.connections`, `limits.per_client`), or that comes from
// this process itself. It is answered and closed at once.
#ifndef GITLATCH_OVERLOAD_H
#define GITLATCH_OVERLOAD_H

#include <stdbool.h>

#include <gitlatch/reason.h>

#include "address.h"

struct session_context;

// Takes `fd`, a connection that was just accepted from `peer`, and closes it: no descriptor, no session and no handshake is
// spent on it. A proxy's client gets the answer first; a transparent one would not understand it.
void overload_refuse(struct session_context *context, int fd, const struct address *peer, bool transparent,
                     enum reason reason);

#endif
