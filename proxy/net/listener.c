#include "listener.h"

#include <errno.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "inherited_socket.h"
#include "log.h"
#include "loop.h"
#include "mem.h"

// The kernel cuts it to net.core.somaxconn.
#define BACKLOG 4096
// Connections taken before the loop turns.
#define ACCEPTS_MAX 64
// Out of descriptors: the socket stays readable, so accepting pauses rather than spin.
#define PAUSE_MS 100

struct listener {
    int fd;
    struct address address;
    listener_accept_fn *accept;
    void *arg;
    struct event event;
    struct timer pause;
};

static void on_pause_over(void *arg)
{
    struct listener *listener = arg;

    event_add(&listener->event, NULL);
}

static void on_listener_readable(evutil_socket_t fd, short what, void *arg)
{
    struct listener *listener = arg;

    for (unsigned i = 0; i < ACCEPTS_MAX; i++) {
        struct address peer = {.length = sizeof(peer.storage)};
        int accepted = accept4(fd, &peer.any, &peer.length, SOCK_NONBLOCK | SOCK_CLOEXEC);

        if (accepted >= 0) {
            listener->accept(listener->arg, accepted, &peer);
        } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
            log_error("listener", "cannot accept: %s; trying again", strerrordesc_np(errno));
            event_del(&listener->event);
            timer_start(&listener->pause, PAUSE_MS);
            return;
        } else if (errno != ECONNABORTED && errno != EINTR) {
            return;
        }
    }
}

static int bind_socket(const struct address *address, bool reuse_port)
{
    int fd = inherited_socket_take(address);
    int on = 1;

    if (fd >= 0) {
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
        return fd;
    }
    fd = socket(address->any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)); // the accepted ones inherit it
    if (address->any.sa_family == AF_INET6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
    if (reuse_port)
        setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on));
    if (bind(fd, &address->any, address->length) < 0 || listen(fd, BACKLOG) < 0) {
        int error = errno;

        close(fd);
        errno = error;
        return -1;
    }
    return fd;
}

static const char *listener_remedy(int code)
{
    switch (code) {
    case EADDRINUSE:
        return "; end what has this port (`ss -ltnp` shows it), or name another";
    case EADDRNOTAVAIL:
        return "; it is no address of this machine (`ip address` lists them); name one, or 0.0.0.0 for all";
    case EACCES:
        return "; a low port is for privileged users: name one from 1024 on, or give CAP_NET_BIND_SERVICE";
    default:
        return "";
    }
}

struct listener *listener_new(struct loop *loop, const struct address *address, bool reuse_port,
                              listener_accept_fn *accept, void *arg, struct error *ret_error)
{
    char text[ADDRESS_TEXT_SIZE];
    int fd = bind_socket(address, reuse_port);

    if (fd >= 0)
        return listener_adopt(loop, fd, accept, arg);
    address_format(address, text);
    error_set(ret_error, "cannot listen on %s: %s%s", text, strerrordesc_np(errno), listener_remedy(errno));
    return NULL;
}

struct listener *listener_adopt(struct loop *loop, int fd, listener_accept_fn *accept, void *arg)
{
    struct listener *listener = mem_alloc_zero(1, sizeof(*listener));

    listener->fd = fd;
    listener->address.length = sizeof(listener->address.storage);
    getsockname(fd, &listener->address.any, &listener->address.length);
    listener->accept = accept;
    listener->arg = arg;
    timer_init(&listener->pause, loop, on_pause_over, listener);
    event_assign(&listener->event, loop_event_base(loop), fd, EV_READ | EV_PERSIST, on_listener_readable, listener);
    event_add(&listener->event, NULL);
    return listener;
}

void listener_free(struct listener *listener)
{
    if (!listener)
        return;
    event_del(&listener->event);
    timer_stop(&listener->pause);
    close(listener->fd);
    mem_free(listener);
}

const struct address *listener_address(const struct listener *listener)
{
    return &listener->address;
}
