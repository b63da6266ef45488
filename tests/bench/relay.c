// A way with a round trip time: bytes between clients and a port of 127.0.0.1 arrive half a round trip later.
//
//   relay PORT ROUND_TRIP_MS
//
// A kernel's handshake on loopback takes no time: a client's first bytes wait one round trip longer, since it would have
// begun to make them one round trip later. As many bytes as a window of 32 MiB holds are on their way.
#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "bench.h"

#define WINDOW     ((size_t)32 << 20)
#define PIECE_SIZE ((size_t)65536)

// Bytes on their way.
struct piece {
    struct piece *next;
    uint64_t due_ns;
    size_t size, sent; // size 0: the end
    char data[];
};

struct way {
    struct end *from, *to;
    struct piece *first, **last;
    size_t size;
    uint64_t extra_ns;       // the first bytes wait this much longer, see above,
    uint64_t extra_until_ns; // and those read before this with them
    bool ended;
};

struct end {
    int fd;
    uint32_t events;
    struct way *out; // what arrives here
    struct way *in;  // what is read here
    struct pair *pair;
};

struct pair {
    struct end client, server;
    struct way up, down;
    struct pair *next;
    bool dead;
};

static uint16_t port;
static uint64_t half_ns;
static int poll_fd, timer_fd;
static struct pair *pairs;

static void watch(struct end *end)
{
    bool more = end->in->size < WINDOW && !end->in->ended;
    bool due = end->out->first && end->out->first->due_ns <= bench_now_ns();
    struct epoll_event event = {.events = (more ? EPOLLIN : 0) | (due ? EPOLLOUT : 0), .data.ptr = end};

    if (event.events == end->events)
        return;
    end->events = event.events;
    epoll_ctl(poll_fd, EPOLL_CTL_MOD, end->fd, &event);
}

static void add_piece(struct way *way, const char *data, size_t size)
{
    struct piece *piece = malloc(sizeof(*piece) + size);
    uint64_t now = bench_now_ns();

    *piece = (struct piece){.size = size};
    if (way->extra_ns) {
        way->extra_until_ns = now + way->extra_ns;
        way->extra_ns = 0;
    }
    piece->due_ns = (now < way->extra_until_ns ? way->extra_until_ns : now) + half_ns;
    memcpy(piece->data, data, size);
    *way->last = piece;
    way->last = &piece->next;
    way->size += size;
}

static void read_end(struct end *end)
{
    static char buffer[PIECE_SIZE];
    ssize_t count = recv(end->fd, buffer, sizeof(buffer), 0);

    if (count < 0 && errno == EAGAIN)
        return;
    end->in->ended = count <= 0;
    add_piece(end->in, buffer, count > 0 ? (size_t)count : 0);
}

// Delivers what is due.
static void write_end(struct end *end)
{
    struct way *way = end->out;
    struct piece *piece;

    while ((piece = way->first) && piece->due_ns <= bench_now_ns()) {
        ssize_t count = 0;

        if (piece->size == 0)
            shutdown(end->fd, SHUT_WR);
        else
            count = send(end->fd, piece->data + piece->sent, piece->size - piece->sent, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (count < 0) {
            end->pair->dead = errno != EAGAIN;
            return;
        }
        piece->sent += (size_t)count;
        way->size -= (size_t)count;
        if (piece->sent < piece->size)
            return;
        way->first = piece->next;
        if (!way->first)
            way->last = &way->first;
        if (piece->size == 0 && end->in->ended && !end->in->first)
            end->pair->dead = true;
        free(piece);
    }
}

static void init_way(struct way *way, struct end *from, struct end *to)
{
    way->from = from;
    way->to = to;
    way->last = &way->first;
    from->in = way;
    to->out = way;
}

static void accept_one(int listener)
{
    struct pair *pair = calloc(1, sizeof(*pair));
    struct epoll_event event = {.events = EPOLLIN};

    pair->client.fd = accept(listener, NULL, NULL);
    pair->server.fd = bench_connect(port);
    if (pair->client.fd < 0 || pair->server.fd < 0)
        bench_die("the target of the relay cannot be reached");
    pair->client.pair = pair->server.pair = pair;
    init_way(&pair->up, &pair->client, &pair->server);
    init_way(&pair->down, &pair->server, &pair->client);
    pair->up.extra_ns = 2 * half_ns;
    bench_set_nonblocking(pair->client.fd);
    bench_set_nonblocking(pair->server.fd);
    event.data.ptr = &pair->client;
    pair->client.events = pair->server.events = EPOLLIN;
    epoll_ctl(poll_fd, EPOLL_CTL_ADD, pair->client.fd, &event);
    event.data.ptr = &pair->server;
    epoll_ctl(poll_fd, EPOLL_CTL_ADD, pair->server.fd, &event);
    pair->next = pairs;
    pairs = pair;
}

static void free_way(struct way *way)
{
    struct piece *piece;

    while ((piece = way->first)) {
        way->first = piece->next;
        free(piece);
    }
}

static void free_pair(struct pair *pair)
{
    close(pair->client.fd);
    close(pair->server.fd);
    free_way(&pair->up);
    free_way(&pair->down);
    free(pair);
}

static uint64_t earlier(uint64_t due_ns, const struct way *way, uint64_t now)
{
    return way->first && way->first->due_ns > now && way->first->due_ns < due_ns ? way->first->due_ns : due_ns;
}

// Delivers what is due everywhere, lets go of what is over, and sets the timer for what is due next.
static void turn(void)
{
    uint64_t now, next = UINT64_MAX;
    struct pair **link = &pairs, *pair;

    while ((pair = *link)) {
        write_end(&pair->client);
        write_end(&pair->server);
        if (pair->dead) {
            *link = pair->next;
            free_pair(pair);
            continue;
        }
        watch(&pair->client);
        watch(&pair->server);
        now = bench_now_ns();
        next = earlier(earlier(next, &pair->up, now), &pair->down, now);
        link = &pair->next;
    }
    if (next != UINT64_MAX) {
        struct itimerspec when = {.it_value = {(time_t)(next / 1000000000), (long)(next % 1000000000)}};

        timerfd_settime(timer_fd, TFD_TIMER_ABSTIME, &when, NULL);
    }
}

int main(int argc, char **argv)
{
    static struct end timer; // tells the timer's event from others
    struct epoll_event events[64] = {{.events = EPOLLIN}, {.events = EPOLLIN, .data.ptr = &timer}};
    int listener;

    if (argc != 3)
        bench_die("usage: relay PORT ROUND_TRIP_MS");
    port = (uint16_t)atoi(argv[1]);
    half_ns = (uint64_t)(atof(argv[2]) * 1e6 / 2);
    bench_raise_descriptors();
    listener = bench_listen();
    poll_fd = epoll_create1(EPOLL_CLOEXEC);
    timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    epoll_ctl(poll_fd, EPOLL_CTL_ADD, listener, &events[0]); // data.ptr NULL is the listener
    epoll_ctl(poll_fd, EPOLL_CTL_ADD, timer_fd, &events[1]);
    for (;;) {
        int count = epoll_wait(poll_fd, events, 64, -1);

        for (int i = 0; i < count; i++) {
            struct end *end = events[i].data.ptr;
            uint64_t expirations;

            if (!end)
                accept_one(listener);
            else if (end == &timer)
                (void)!read(timer_fd, &expirations, sizeof(expirations));
            else if (events[i].events & ~(uint32_t)EPOLLOUT)
                read_end(end);
        }
        turn();
    }
}
