#include "agent_socket.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "mem.h"

#define BACKLOG 128

// Nobody can connect before the file has its mode: it is bound under another name without any permission, which bind(2)
// takes from the unbound socket. umask(2) is not used, for it is the whole process's.
static bool bind_with_mode(int fd, const struct sockaddr_un *address, mode_t mode)
{
    return fchmod(fd, 0) == 0 && bind(fd, (const struct sockaddr *)address, sizeof(*address)) == 0 &&
           listen(fd, BACKLOG) == 0 && chmod(address->sun_path, mode) == 0;
}

bool agent_socket_open(const char *path, mode_t mode, struct agent_socket *ret_socket, struct error *ret_error)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct agent_socket opened = {.fd = -1, .path = mem_string(path)};
    int size = snprintf(address.sun_path, sizeof(address.sun_path), "%s.new", opened.path);

    if (size < 0 || (size_t)size >= sizeof(address.sun_path)) {
        error_set(ret_error,
                  "%s: is too long for the name of a socket, of which the kernel takes %zu bytes; name a "
                  "shorter directory",
                  opened.path, sizeof(address.sun_path) - sizeof(".new"));
        goto failed;
    }
    unlink(address.sun_path);
    opened.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (opened.fd >= 0 && bind_with_mode(opened.fd, &address, mode) && lstat(address.sun_path, &opened.bound) == 0 &&
        rename(address.sun_path, opened.path) == 0) {
        *ret_socket = opened;
        return true;
    }
    error_set(ret_error, "%s: no socket can be made there: %s", opened.path, strerrordesc_np(errno));
    unlink(address.sun_path);
failed:
    if (opened.fd >= 0)
        close(opened.fd);
    mem_free(opened.path);
    return false;
}

void agent_socket_remove(struct agent_socket *socket)
{
    struct stat now;

    if (lstat(socket->path, &now) == 0 && now.st_ino == socket->bound.st_ino && now.st_dev == socket->bound.st_dev)
        unlink(socket->path);
    mem_free(socket->path);
    socket->path = NULL;
}
