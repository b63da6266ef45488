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
// More dots than a name has: c-ares asks for the name as it is after the search list.
#define SEARCH_FIRST 127

// c-ares has its options for all questions of a channel, so that each way to look a name up has a channel of its own.
enum way {
    WAY_FILES,    // the hosts file
    WAY_ABSOLUTE, // DNS, without the search list
    WAY_SEARCH,   // DNS, with it
    WAY_COUNT,
};

// One channel of c-ares.
struct ares_way {
    struct loop *loop;
    ares_channel ares;  // NULL: not used
    struct timer timer; // c-ares' own timeouts
    LIST_HEAD(, ares_socket) sockets;
};

// A socket of c-ares, and for what it waits.
struct ares_socket {
    LIST_ENTRY(ares_socket) link;
    int descriptor;
    struct event *event;
};

struct dns_channel {
    bool files;
    char *servers; // NULL: of /etc/resolv.conf
    struct ares_way ways[WAY_COUNT];
    unsigned in_flight;         // questions
    struct timespec configured; // time of /etc/resolv.conf when the ways were opened
};

// One name, looked up.
struct question {
    struct dns_channel *channel;
    char *name; // without a dot at its end
    bool may_search;
    bool found;
    unsigned awaited; // answers
    dns_answer_fn *on_answer;
    void *arg;
};

static void arm_timer(struct ares_way *way)
{
    struct timeval wait;

    if (!ares_timeout(way->ares, NULL, &wait)) {
        timer_stop(&way->timer);
        return;
    }
    timer_start(&way->timer, (int64_t)wait.tv_sec * SECOND_MS + wait.tv_usec / 1000 + 1);
}

static void on_ares_timeout(void *arg)
{
    struct ares_way *way = arg;

    ares_process_fd(way->ares, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
    arm_timer(way);
}

static void on_ares_socket(evutil_socket_t descriptor, short what, void *arg)
{
    struct ares_way *way = arg;

    ares_process_fd(way->ares, what & EV_READ ? descriptor : ARES_SOCKET_BAD,
                    what & EV_WRITE ? descriptor : ARES_SOCKET_BAD);
    arm_timer(way);
}

static void ares_socket_forget(struct ares_way *way, int descriptor)
{
    struct ares_socket *socket;

    LIST_FOREACH(socket, &way->sockets, link) {
        if (socket->descriptor == descriptor) {
            LIST_REMOVE(socket, link);
            event_free(socket->event);
            mem_free(socket);
            return;
        }
    }
}

// Neither readable nor writable is asked for: c-ares is about to close it.
static void on_ares_socket_state(void *arg, ares_socket_t descriptor, int readable, int writable)
{
    struct ares_way *way = arg;

    ares_socket_forget(way, descriptor);
    if (!readable && !writable)
        return;
    struct ares_socket *socket = mem_alloc_zero(1, sizeof(*socket));
    socket->descriptor = descriptor;
    socket->event =
        event_new(loop_event_base(way->loop), descriptor,
                  (short)(EV_PERSIST | (readable ? EV_READ : 0) | (writable ? EV_WRITE : 0)), on_ares_socket, way);
    if (!socket->event || event_add(socket->event, NULL) != 0)
        abort(); // memory ran out
    LIST_INSERT_HEAD(&way->sockets, socket, link);
}

static struct timespec configuration_time(void)
{
    struct stat status;

    return stat("/etc/resolv.conf", &status) == 0 ? status.st_mtim : (struct timespec){0};
}

static bool way_open(const struct dns_channel *channel, struct ares_way *way, enum way kind, ares_channel *ret_ares,
                     struct error *ret_error)
{
    char lookups[] = {kind == WAY_FILES ? 'f' : 'b', '\0'};
    struct ares_options options = {
        .flags = ARES_FLAG_NOALIASES, // else HOSTALIASES is read from the environment
        .lookups = lookups,
        .timeout = TRY_TIMEOUT_MS,
        .tries = TRIES,
        .ndots = SEARCH_FIRST, // of WAY_SEARCH: the name as it is has been asked for
        .sock_state_cb = on_ares_socket_state,
        .sock_state_cb_data = way,
    };
    ares_channel ares;
    int mask = ARES_OPT_FLAGS | ARES_OPT_LOOKUPS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_NDOTS |
               ARES_OPT_SOCK_STATE_CB;
    // An empty list of domains: ares_getaddrinfo passes ARES_FLAG_NOSEARCH by.
    int status = ares_init_options(&ares, &options, kind == WAY_SEARCH ? mask : mask | ARES_OPT_DOMAINS);

    if (status != ARES_SUCCESS)
        return error_set(ret_error, "the resolver cannot start: %s", ares_strerror(status));
    if (channel->servers && (status = ares_set_servers_ports_csv(ares, channel->servers)) != ARES_SUCCESS) {
        ares_destroy(ares);
        return error_set(ret_error, "DNS servers \"%s\": %s", channel->servers, ares_strerror(status));
    }
    *ret_ares = ares;
    return true;
}

static void ways_close(struct dns_channel *channel)
{
    for (size_t i = 0; i < WAY_COUNT; i++) {
        struct ares_way *way = &channel->ways[i];

        if (way->ares)
            ares_destroy(way->ares);
        way->ares = NULL;
        timer_stop(&way->timer);
    }
}

// Opens all, in place of those that are open, or none.
static bool ways_open(struct dns_channel *channel, struct error *ret_error)
{
    ares_channel fresh[WAY_COUNT] = {0};
    bool ok = true;

    channel->configured = configuration_time();
    for (size_t i = channel->files ? WAY_FILES : WAY_ABSOLUTE; ok && i < WAY_COUNT; i++)
        ok = way_open(channel, &channel->ways[i], (enum way)i, &fresh[i], ret_error);
    if (ok)
        ways_close(channel);
    for (size_t i = 0; i < WAY_COUNT; i++) {
        if (ok)
            channel->ways[i].ares = fresh[i];
        else if (fresh[i])
            ares_destroy(fresh[i]);
    }
    return ok;
}

// A laptop that changes networks gets a new /etc/resolv.conf, which c-ares reads only when it is set up.
static void renew_ways(struct dns_channel *channel)
{
    struct timespec now = configuration_time();

    if (channel->in_flight || (now.tv_sec == channel->configured.tv_sec && now.tv_nsec == channel->configured.tv_nsec))
        return;
    (void)ways_open(channel, NULL);
}

struct dns_channel *dns_channel_new(struct loop *loop, bool files, const char *servers, struct error *ret_error)
{
    struct dns_channel *channel = mem_alloc_zero(1, sizeof(*channel));

    channel->files = files;
    channel->servers = mem_string(servers);
    for (size_t i = 0; i < WAY_COUNT; i++) {
        struct ares_way *way = &channel->ways[i];

        way->loop = loop;
        timer_init(&way->timer, loop, on_ares_timeout, way);
        LIST_INIT(&way->sockets);
    }
    if (ways_open(channel, ret_error))
        return channel;
    mem_free(channel->servers);
    mem_free(channel);
    return NULL;
}

void dns_channel_free(struct dns_channel *channel)
{
    ways_close(channel);
    mem_free(channel->servers);
    mem_free(channel);
}

static void ask_way(struct question *question, enum way kind, int family, ares_addrinfo_callback done)
{
    const struct ares_addrinfo_hints hints = {.ai_family = family, .ai_socktype = SOCK_STREAM};
    struct ares_way *way = &question->channel->ways[kind];

    ares_getaddrinfo(way->ares, question->name, NULL, &hints, done, question);
    arm_timer(way);
}

static void on_search_answer(void *arg, int status, int timeouts, struct ares_addrinfo *result);

// Passes an answer on. Before a name is reported as absent its search list has a turn.
static void question_answer(struct question *question, int family, int status, struct ares_addrinfo *result)
{
    struct dns_answer answer = {.status = status, .family = family};
    bool absent;

    if (status == ARES_SUCCESS && result)
        answer.nodes = result->nodes;
    if (status == ARES_SUCCESS && !answer.nodes)
        answer.status = ARES_ENODATA;
    question->found |= answer.nodes != NULL;
    absent = answer.status == ARES_ENODATA || answer.status == ARES_ENOTFOUND;
    if (--question->awaited == 0 && !question->found && absent && question->may_search) {
        question->may_search = false;
        question->awaited = 1;
        ask_way(question, WAY_SEARCH, AF_UNSPEC, on_search_answer);
        return;
    }
    answer.last = question->awaited == 0;
    if (answer.last)
        question->channel->in_flight--;
    question->on_answer(question->arg, &answer);
    if (answer.last) {
        mem_free(question->name);
        mem_free(question);
    }
}

static void on_search_answer(void *arg, int status, int timeouts, struct ares_addrinfo *result)
{
    question_answer(arg, AF_UNSPEC, status, result);
    if (result)
        ares_freeaddrinfo(result);
}

static void on_v4_answer(void *arg, int status, int timeouts, struct ares_addrinfo *result)
{
    question_answer(arg, AF_INET, status, result);
    if (result)
        ares_freeaddrinfo(result);
}

static void on_v6_answer(void *arg, int status, int timeouts, struct ares_addrinfo *result)
{
    question_answer(arg, AF_INET6, status, result);
    if (result)
        ares_freeaddrinfo(result);
}

static void on_file_answer(void *arg, int status, int timeouts, struct ares_addrinfo *result)
{
    struct ares_addrinfo **ret_result = arg;

    *ret_result = result;
}

// Answers from the hosts file, which c-ares reads before it returns. False: the name is not there.
static bool answer_from_files(struct question *question)
{
    const struct ares_addrinfo_hints hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct ares_addrinfo *result = NULL;

    ares_getaddrinfo(question->channel->ways[WAY_FILES].ares, question->name, NULL, &hints, on_file_answer, &result);
    bool found = result && result->nodes;
    if (found) {
        question->awaited = 1;
        question_answer(question, AF_UNSPEC, ARES_SUCCESS, result);
    }
    if (result)
        ares_freeaddrinfo(result);
    return found;
}

void dns_channel_ask(struct dns_channel *channel, const char *name, dns_answer_fn *on_answer, void *arg)
{
    size_t size = strlen(name);
    bool absolute = size > 0 && name[size - 1] == '.';
    struct question *question = mem_alloc_zero(1, sizeof(*question));

    renew_ways(channel);
    question->channel = channel;
    question->name = mem_format("%.*s", (int)(absolute ? size - 1 : size), name);
    question->may_search = !absolute;
    question->on_answer = on_answer;
    question->arg = arg;
    channel->in_flight++;
    if (channel->files && answer_from_files(question))
        return;
    question->awaited = 2;
    ask_way(question, WAY_ABSOLUTE, AF_INET6, on_v6_answer);
    ask_way(question, WAY_ABSOLUTE, AF_INET, on_v4_answer);
}
