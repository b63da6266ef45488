// The Unix socket of the agent.
#ifndef GITLATCH_AGENT_SOCKET_H
#define GITLATCH_AGENT_SOCKET_H

#include <stdbool.h>
#include <sys/stat.h>

#include <gitlatch/attr.h>

#include "error.h"

struct agent_socket {
    int fd;            // listens, does not block; the caller's
    char *path;        // owned
    struct stat bound; // the file at `path`, so that a later process's is left alone
};

// Makes a socket at `path` with this mode. It takes the place of an older one in one step.
bool agent_socket_open(const char *path, mode_t mode, struct agent_socket *ret_socket, struct error *ret_error)
    GL_MUST_CHECK;
// Removes the file. The descriptor stays open.
void agent_socket_remove(struct agent_socket *socket);

#endif
