// The outgoing sockets of this process, by their local address: a client whose address is that of one of them is this
// process itself, which an address led back to it that does not look like its own (a Kubernetes Service, a load balancer).
#ifndef GITLATCH_OWN_SOCKETS_H
#define GITLATCH_OWN_SOCKETS_H

#include <stdbool.h>

#include "address.h"

// A socket that connects, or is connected. It may be closed at any time: that needs no word.
void own_sockets_add(int fd);
// `accepted` is the socket whose peer that is.
bool own_sockets_hold(const struct address *peer, int accepted);

#endif
