// A listening socket.
#ifndef GITLATCH_LISTENER_H
#define GITLATCH_LISTENER_H

#include <gitlatch/attr.h>

#include "address.h"
#include "error.h"

struct loop;
struct listener;

// `fd` is a connected, non-blocking socket with TCP_NODELAY and the callee's.
typedef void listener_accept_fn(void *arg, int fd, const struct address *peer);

// Binds and listens, or takes the socket that a service manager opened for this address (inherited_socket.h). `reuse_port`: several processes may listen on the same port (SO_REUSEPORT).
struct listener *listener_new(struct loop *loop, const struct address *address, bool reuse_port,
                              listener_accept_fn *accept, void *arg, struct error *ret_error) GL_MUST_CHECK;
// The same with a socket that listens already and does not block, which it takes over.
struct listener *listener_adopt(struct loop *loop, int fd, listener_accept_fn *accept, void *arg) GL_MUST_CHECK;
// Stops listening; NULL: nothing.
void listener_free(struct listener *listener);
// Where it listens, with the port that the kernel picked where 0 was asked for.
const struct address *listener_address(const struct listener *listener);

#endif
