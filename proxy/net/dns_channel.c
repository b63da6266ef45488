#include "dns_channel.h"

#include <event2/event.h>
#include <stdlib.h>
#include <sys/queue.h>
#include <sys/stat.h>

#include "loop.h"
#include "mem.h"

// c-ares waits 1.5, then 3 and 6 s for the servers: about as long as `limits.connect`.
#define TRY_TIMEOUT_MS 1500
#define TRIES          3

// A socket of c-ares, and for what it waits.
struct channel_socket {
    LIST_ENTRY(channel_socket) link;
    int descriptor;
    struct event *event;
};

struct dns_channel {
    struct loop *loop;
    char *lookups;
    char *servers; // NULL: of /etc/resolv.conf
    ares_channel ares;
    unsigned in_flight;         // questions
    struct timespec configured; // time of /etc/resolv.conf when `ares` was made
    struct timer timer;         // c-ares' own timeouts
    LIST_HEAD(, channel_socket) sockets;
};

struct question {
    struct dns_channel *channel;
    ares_addrinfo_callback done;
    void *arg;
};

static void arm_timer(struct dns_channel *channel)
{
    struct timeval wait;

    if (!ares_timeout(channel->ares, NULL, &wait)) {
        timer_stop(&channel->timer);
        return;
    }
    timer_start(&channel->timer, (int64_t)wait.tv_sec * SECOND_MS + wait.tv_usec / 1000 + 1);
}

static void on_timeout(void *arg)
{
    struct dns_channel *channel = arg;

    ares_process_fd(channel->ares, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
    arm_timer(channel);
}

static void on_socket(evutil_socket_t descriptor, short what, void *arg)
{
    struct dns_channel *channel = arg;

    ares_process_fd(channel->ares, what & EV_READ ? descriptor : ARES_SOCKET_BAD,
                    what & EV_WRITE ? descriptor : ARES_SOCKET_BAD);
    arm_timer(channel);
}

static void socket_forget(struct dns_channel *channel, int descriptor)
{
    struct channel_socket *socket;

    LIST_FOREACH(socket, &channel->sockets, link) {
        if (socket->descriptor == descriptor) {
            LIST_REMOVE(socket, link);
            event_free(socket->event);
            mem_free(socket);
            return;
        }
    }
}

// Neither readable nor writable is asked for: c-ares is about to close it.
static void on_socket_state(void *arg, ares_socket_t descriptor, int readable, int writable)
{
    struct dns_channel *channel = arg;

    socket_forget(channel, descriptor);
    if (!readable && !writable)
        return;
    struct channel_socket *socket = mem_alloc_zero(1, sizeof(*socket));
    socket->descriptor = descriptor;
    socket->event =
        event_new(loop_event_base(channel->loop), descriptor,
                  (short)(EV_PERSIST | (readable ? EV_READ : 0) | (writable ? EV_WRITE : 0)), on_socket, channel);
    if (!socket->event || event_add(socket->event, NULL) != 0)
        abort(); // memory ran out
    LIST_INSERT_HEAD(&channel->sockets, socket, link);
}

static struct timespec configuration_time(void)
{
    struct stat status;

    return stat("/etc/resolv.conf", &status) == 0 ? status.st_mtim : (struct timespec){0};
}

static bool ares_open(struct dns_channel *channel, ares_channel *ret_ares, struct error *ret_error)
{
    struct ares_options options = {
        .flags = ARES_FLAG_NOALIASES, // else HOSTALIASES is read from the environment
        .lookups = channel->lookups,
        .timeout = TRY_TIMEOUT_MS,
        .tries = TRIES,
        .sock_state_cb = on_socket_state,
        .sock_state_cb_data = channel,
    };
    ares_channel ares;
    int status = ares_init_options(&ares, &options,
                                   ARES_OPT_FLAGS | ARES_OPT_LOOKUPS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES |
                                       ARES_OPT_SOCK_STATE_CB);

    if (status != ARES_SUCCESS)
        return error_set(ret_error, "the resolver cannot start: %s", ares_strerror(status));
    if (channel->servers && (status = ares_set_servers_ports_csv(ares, channel->servers)) != ARES_SUCCESS) {
        ares_destroy(ares);
        return error_set(ret_error, "DNS servers \"%s\": %s", channel->servers, ares_strerror(status));
    }
    *ret_ares = ares;
    return true;
}

// A laptop that changes networks gets a new /etc/resolv.conf, which c-ares reads only when it is set up.
static void renew(struct dns_channel *channel)
{
    struct timespec now = configuration_time();
    ares_channel fresh;

    if (channel->in_flight || (now.tv_sec == channel->configured.tv_sec && now.tv_nsec == channel->configured.tv_nsec))
        return;
    channel->configured = now;
    if (ares_open(channel, &fresh, NULL)) {
        ares_destroy(channel->ares);
        channel->ares = fresh;
    }
}

struct dns_channel *dns_channel_new(struct loop *loop, const char *lookups, const char *servers,
                                    struct error *ret_error)
{
    struct dns_channel *channel = mem_alloc_zero(1, sizeof(*channel));

    channel->loop = loop;
    channel->lookups = mem_string(lookups);
    channel->servers = mem_string(servers);
    channel->configured = configuration_time();
    timer_init(&channel->timer, loop, on_timeout, channel);
    LIST_INIT(&channel->sockets);
    if (!ares_open(channel, &channel->ares, ret_error)) {
        mem_free(channel->lookups);
        mem_free(channel->servers);
        mem_free(channel);
        return NULL;
    }
    return channel;
}

void dns_channel_free(struct dns_channel *channel)
{
    ares_destroy(channel->ares);
    timer_stop(&channel->timer);
    mem_free(channel->lookups);
    mem_free(channel->servers);
    mem_free(channel);
}

static void on_answer(void *arg, int status, int timeouts, struct ares_addrinfo *result)
{
    struct question *question = arg;

    question->channel->in_flight--;
    question->done(question->arg, status, timeouts, result);
    mem_free(question);
}

void dns_channel_ask(struct dns_channel *channel, const char *name, ares_addrinfo_callback done, void *arg)
{
    struct ares_addrinfo_hints hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct question *question = mem_alloc(sizeof(*question));

    renew(channel);
    *question = (struct question){.channel = channel, .done = done, .arg = arg};
    channel->in_flight++;
    ares_getaddrinfo(channel->ares, name, NULL, &hints, on_answer, question);
    arm_timer(channel);
}
