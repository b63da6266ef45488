#include "connect.h"

#include <errno.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "loop.h"
#include "mem.h"
#include "own_sockets.h"
#include "resolve.h"

// RFC 8305, 5: the recommended Connection Attempt Delay.
#define ATTEMPT_DELAY_MS 250

// A peer that vanished without a word (a NAT that lost its table, a VPN that went down, a laptop that slept) is given up
// when bytes stay without an acknowledgement for this long; the kernel's own retries go on for 15 minutes.
#define UNACKNOWLEDGED_MS 20000
// Where nothing is sent, the kernel asks the peer: after 60 s of silence, then every 10 s. NATs forget after 5 minutes
// (RFC 5382, REQ-5 allows 124 minutes and many take less).
#define KEEPALIVE_IDLE_S     60
#define KEEPALIVE_INTERVAL_S 10

struct attempt {
    struct connect *connect;
    struct address address;
    int fd; // -1: not under way
    struct event event;
};

struct connect {
    struct loop *loop;
    struct resolver *resolver;
    struct resolve_request *resolving; // NULL: the answer is there
    char *host;
    char *lookup; // what the resolver is asked for: the host, perhaps as an absolute name
    uint16_t port;
    connect_allowed_fn *allowed;
    void *allowed_arg;
    connect_done_fn *done;
    void *arg;
    struct attempt attempts[RESOLVE_ADDRESSES_MAX];
    size_t count;     // attempts that may be made
    size_t started;   // of these
    size_t under_way; // of these
    struct timer next;
    struct verdict verdict; // why the last attempt failed
};

static void end_attempt(struct attempt *attempt)
{
    if (attempt->fd < 0)
        return;
    event_del(&attempt->event);
    close(attempt->fd);
    attempt->fd = -1;
    attempt->connect->under_way--;
}

void connect_cancel(struct connect *connect)
{
    if (connect->resolving)
        resolve_cancel(connect->resolving);
    for (size_t i = 0; i < connect->started; i++)
        end_attempt(&connect->attempts[i]);
    timer_stop(&connect->next);
    mem_free(connect->lookup);
    mem_free(connect->host);
    mem_free(connect);
}

static void connect_finish(struct connect *connect, int fd)
{
    connect_done_fn *done = connect->done;
    void *arg = connect->arg;
    struct verdict verdict = connect->verdict;

    connect_cancel(connect);
    done(arg, fd, fd < 0 ? &verdict : NULL);
}

static void attempt_failed(struct attempt *attempt, int error)
{
    char text[ADDRESS_TEXT_SIZE];

    address_format(&attempt->address, text);
    verdict_set(&attempt->connect->verdict, REASON_UPSTREAM_UNREACHABLE, "%s cannot be reached: %s (%s)",
                attempt->connect->host, strerrordesc_np(error), text);
}

static void on_attempt(evutil_socket_t fd, short what, void *arg)
{
    struct attempt *attempt = arg;
    struct connect *connect = attempt->connect;
    int error = 0;
    socklen_t size = sizeof(error);

    getsockopt(attempt->fd, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error == 0) {
        event_del(&attempt->event);
        connect->under_way--;
        attempt->fd = -1;
        connect_finish(connect, fd);
        return;
    }
    attempt_failed(attempt, error);
    end_attempt(attempt);
    timer_start(&connect->next, 0);
}

static void set_number(int fd, int level, int option, int number)
{
    setsockopt(fd, level, option, &number, sizeof(number));
}

// tcp(7): TCP_USER_TIMEOUT also bounds the keepalive probes that stay without an answer.
static void connect_set_options(int fd)
{
    set_number(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    set_number(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, UNACKNOWLEDGED_MS);
    set_number(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
    set_number(fd, IPPROTO_TCP, TCP_KEEPIDLE, KEEPALIVE_IDLE_S);
    set_number(fd, IPPROTO_TCP, TCP_KEEPINTVL, KEEPALIVE_INTERVAL_S);
}

static bool start_attempt(struct attempt *attempt)
{
    const struct address *address = &attempt->address;
    int fd = socket(address->any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd >= 0)
        connect_set_options(fd);
    if (fd >= 0 && connect(fd, &address->any, address->length) < 0 && errno != EINPROGRESS) {
        int error = errno;

        close(fd);
        errno = error;
        fd = -1;
    }
    if (fd >= 0)
        own_sockets_add(fd); // before what it may lead to, this process itself, accepts it
    if (fd < 0) {
        attempt_failed(attempt, errno);
        return false;
    }
    attempt->fd = fd;
    attempt->connect->under_way++;
    event_assign(&attempt->event, loop_event_base(attempt->connect->loop), fd, EV_WRITE, on_attempt, attempt);
    event_add(&attempt->event, NULL);
    return true;
}

// The next address has its turn: its head start is over, or all before it failed.
static void on_next(void *arg)
{
    struct connect *connect = arg;
    bool started = false;

    while (!started && connect->started < connect->count)
        started = start_attempt(&connect->attempts[connect->started++]);
    if (connect->under_way == 0) {
        resolve_forget(connect->resolver, connect->host);
        connect_finish(connect, -1);
    } else if (connect->started < connect->count) {
        timer_start(&connect->next, ATTEMPT_DELAY_MS);
    }
}

static bool take_addresses(struct connect *connect, const struct resolve_answer *answer)
{
    for (size_t i = 0; i < answer->count && i < RESOLVE_ADDRESSES_MAX; i++) {
        struct attempt *attempt = &connect->attempts[connect->count];

        attempt->connect = connect;
        attempt->fd = -1;
        attempt->address.length = resolve_address_size(&answer->addresses[i]);
        memcpy(&attempt->address.storage, &answer->addresses[i], attempt->address.length);
        address_set_port(&attempt->address, connect->port);
        if (connect->allowed && !connect->allowed(connect->allowed_arg, &attempt->address, &connect->verdict))
            return false;
        connect->count++;
    }
    return true;
}

static void on_resolved(void *arg, const struct resolve_answer *answer)
{
    struct connect *connect = arg;

    connect->resolving = NULL;
    if (answer->count == 0) {
        verdict_set(&connect->verdict, REASON_UPSTREAM_UNREACHABLE, "%s cannot be found: %s", connect->host,
                    answer->problem);
        connect_finish(connect, -1);
    } else if (!take_addresses(connect, answer)) {
        connect->count = 0;
        connect_finish(connect, -1);
    } else {
        on_next(connect);
    }
}

// A name of one label is no name of the public DNS: it stays below the search list.
static char *lookup_name(const struct connect_request *request)
{
    union resolve_address literal;
    bool absolute = request->absolute && strchr(request->host, '.') && !resolve_literal(request->host, &literal);

    return mem_format("%s%s", request->host, absolute ? "." : "");
}

struct connect *connect_start(struct loop *loop, struct resolver *resolver, const struct connect_request *request,
                              connect_done_fn *done, void *arg)
{
    struct connect *connect = mem_alloc_zero(1, sizeof(*connect));

    connect->loop = loop;
    connect->resolver = resolver;
    connect->host = mem_string(request->host);
    connect->lookup = lookup_name(request);
    connect->port = request->port;
    connect->allowed = request->allowed;
    connect->allowed_arg = request->allowed_arg;
    connect->done = done;
    connect->arg = arg;
    timer_init(&connect->next, loop, on_next, connect);
    connect->resolving = resolve_ask(resolver, connect->lookup, on_resolved, connect);
    return connect;
}

// The kernel sends to an address of its own from that same address: asked of a datagram socket, nothing is sent.
bool connect_is_own_address(const struct address *address)
{
    struct address to = *address, from = {.length = sizeof(from.storage)};
    int fd = socket(to.any.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    bool own = false;

    if (fd < 0)
        return false;
    address_set_port(&to, 9); // discard; any port does
    if (connect(fd, &to.any, to.length) == 0 && getsockname(fd, &from.any, &from.length) == 0)
        own = address_same_host(&from, &to);
    close(fd);
    return own;
}
