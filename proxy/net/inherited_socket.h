// Listening sockets that a service manager opened before it started this process (systemd's socket activation,
// sd_listen_fds(3): LISTEN_PID and LISTEN_FDS).
#ifndef GITLATCH_INHERITED_SOCKET_H
#define GITLATCH_INHERITED_SOCKET_H

#include "address.h"

// Takes over the sockets that the environment announces, and removes the variables. Called once, before the first
// fork: from then on no child inherits the sockets.
void inherited_sockets_receive(void);
// The socket that listens on `address`, which is the caller's from then on; -1: there is none.
int inherited_socket_take(const struct address *address);
// Closes what nobody took, and logs a warning for each.
void inherited_sockets_close(void);

#endif
