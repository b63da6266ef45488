#include "own_sockets.h"

#include <stdint.h>
#include <sys/socket.h>

// By local port the last socket that connected from it, and one more, so that 0 is none. It may be closed, and its number
// another's by now: what it is bound to is asked for when it counts.
static int sockets[UINT16_MAX + 1];

static bool local_address(int fd, struct address *ret_address)
{
    struct address address = {.length = sizeof(address.storage)};

    if (getsockname(fd, &address.any, &address.length) < 0 ||
        (address.any.sa_family != AF_INET && address.any.sa_family != AF_INET6))
        return false;
    *ret_address = address;
    return true;
}

void own_sockets_add(int fd)
{
    struct address local;

    if (local_address(fd, &local))
        sockets[address_port(&local)] = fd + 1;
}

// Whether the accepted socket cannot be the other end of ours: on loopback nothing is translated on the way, and the kernel
// gives one local port to connections to different places.
static bool leads_elsewhere(int own, int accepted, const struct address *peer)
{
    struct address remote = {.length = sizeof(remote.storage)}, here;

    return address_kind(peer) == ADDRESS_LOOPBACK && getpeername(own, &remote.any, &remote.length) == 0 &&
           local_address(accepted, &here) && address_port(&remote) != address_port(&here);
}

bool own_sockets_hold(const struct address *peer, int accepted)
{
    uint16_t port = address_port(peer);
    struct address local;

    return sockets[port] > 0 && local_address(sockets[port] - 1, &local) && address_port(&local) == port &&
           address_same_host(&local, peer) && !leads_elsewhere(sockets[port] - 1, accepted, peer);
}
