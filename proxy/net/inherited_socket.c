#include "inherited_socket.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "log.h"

// Of sd_listen_fds(3).
#define FIRST_DESCRIPTOR 3
// More than a configuration has addresses.
#define SOCKETS_MAX 64

// A process is started once: its sockets are the process's, like its environment. -1: taken.
static int sockets[SOCKETS_MAX];
static size_t socket_count;

// The number in an environment variable; -1: it is not set, or no number.
static long number_of(const char *name)
{
    const char *text = getenv(name);
    char *end;
    long number;

    if (!text || *text < '0' || *text > '9')
        return -1;
    number = strtol(text, &end, 10);
    return *end ? -1 : number;
}

static bool inherited_socket_is_listening(int fd)
{
    int listening = 0, type = 0;
    socklen_t size = sizeof(int);

    return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) == 0 && listening &&
           getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_STREAM;
}

static void receive_socket(int fd)
{
    // Whatever it is, no command that gitlatch starts gets it.
    fcntl(fd, F_SETFD, FD_CLOEXEC);
    if (!inherited_socket_is_listening(fd)) {
        log_warn("listener", "descriptor %d of the service manager is no listening stream socket; it is not used", fd);
        return;
    }
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    sockets[socket_count++] = fd;
}

void inherited_sockets_receive(void)
{
    // The variables are another process's where a parent passed them on.
    long count = number_of("LISTEN_PID") == getpid() ? number_of("LISTEN_FDS") : 0;

    socket_count = 0;
    for (int i = 0; i < count && i < SOCKETS_MAX; i++)
        receive_socket(FIRST_DESCRIPTOR + i);
    unsetenv("LISTEN_PID");
    unsetenv("LISTEN_FDS");
    unsetenv("LISTEN_FDNAMES");
}

static bool socket_address(int fd, struct address *ret_address)
{
    *ret_address = (struct address){.length = sizeof(ret_address->storage)};
    return getsockname(fd, &ret_address->any, &ret_address->length) == 0 &&
           (ret_address->any.sa_family == AF_INET || ret_address->any.sa_family == AF_INET6);
}

int inherited_socket_take(const struct address *address)
{
    char wanted[ADDRESS_TEXT_SIZE], text[ADDRESS_TEXT_SIZE];
    struct address own;

    address_format(address, wanted);
    for (size_t i = 0; i < socket_count; i++) {
        int fd = sockets[i];

        if (fd < 0 || !socket_address(fd, &own))
            continue;
        address_format(&own, text);
        if (strcmp(text, wanted) != 0)
            continue;
        sockets[i] = -1;
        return fd;
    }
    return -1;
}

void inherited_sockets_close(void)
{
    for (size_t i = 0; i < socket_count; i++) {
        char text[ADDRESS_TEXT_SIZE] = "an address that is not TCP";
        struct address own;

        if (sockets[i] < 0)
            continue;
        if (socket_address(sockets[i], &own))
            address_format(&own, text);
        log_warn("listener",
                 "the service manager listens on %s, which is no address of the configuration; name it there, or take "
                 "it out of the socket unit",
                 text);
        close(sockets[i]);
    }
    socket_count = 0;
}
