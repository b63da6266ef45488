// The benchmark's client: so many connections to github.com, through a proxy (CONNECT, then TLS), a gateway (plain
// HTTP), or direct. What it measured goes to stdout as one line of JSON.
//
//   load OPTIONS MODE [BYTES]
//
//   --proxy PORT | --gateway PORT | --direct PORT
//   --trust FILE       roots (not with --gateway)
//   --prefix PATH      before each target (gateway)
//   --authorization V  the client's own, for a direct connection
//   --named-port N     said in CONNECT and in Host (443), for a proxy that cannot be told where github.com is
//   --connections N    at the same time (1)
//   --seconds S        how long (2)
//   --chunked          bodies in chunks of 64 KiB
//   --settle           requests: every connection is made, and has had a request, before the time begins
//
//   requests           small requests on kept-alive connections
//   new                small requests, each with a connection of its own
//   down BYTES         one answer of so many bytes on each connection
//   up BYTES           one push of so many bytes on each connection
//   idle               one request on each connection, which then stays; ends with stdin, and tells how many lived
#include <errno.h>
#include <getopt.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <openssl/err.h>

#include "load_request.h"

#define HOST "github.com"
// Connections that are made at the same time by `idle`: below any listener's backlog.
#define OPENING_MAX 64
// Where nothing moves for so long, it hangs.
#define HANG_MS 60000
// Failures that are enough to give up.
#define ERRORS_MAX 100

enum mode { MODE_REQUESTS, MODE_NEW, MODE_DOWN, MODE_UP, MODE_IDLE };

enum state {
    STATE_CONNECT, // the answer to CONNECT is awaited
    STATE_TLS,
    STATE_SEND,
    STATE_HEAD,
    STATE_BODY,
    STATE_REST, // done, or idle
};

struct connection {
    int fd;
    SSL *ssl; // NULL: plain
    enum state state;
    uint32_t events; // what epoll is told
    char head[BENCH_HEAD_MAX];
    size_t head_size;
    uint64_t sent; // of the request
    uint64_t left; // of the answer's body
    bool chunked;
    char tail[5];   // the last bytes of a chunked answer
    uint64_t begun; // when the request was, or its connection
};

static struct {
    uint16_t port, named_port;
    bool proxy, tls, settle;
    const char *trust;
    unsigned connections;
    double seconds;
    enum mode mode;
    struct load_shape shape;
} options = {.named_port = 443, .connections = 1, .seconds = 2, .tls = true, .shape = {.host = HOST, .prefix = ""}};

static struct {
    uint64_t requests, errors, bytes, reconnects;
    uint32_t *latencies_us;
    size_t latency_count, latency_capacity;
    unsigned opened, resting;
    char cipher[80];
    char error[200]; // the first
} result;

static struct load_request request;
static SSL_CTX *context;
static int poll_fd;
static uint64_t deadline_ns;

static void watch(struct connection *connection, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.ptr = connection};

    if (events == connection->events)
        return;
    epoll_ctl(poll_fd, connection->events ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, connection->fd, &event);
    connection->events = events;
}

static void close_connection(struct connection *connection)
{
    SSL_free(connection->ssl);
    connection->ssl = NULL;
    if (connection->fd >= 0)
        close(connection->fd);
    connection->fd = -1;
    connection->events = 0;
}

static void rest(struct connection *connection)
{
    if (connection->fd >= 0 && connection->events)
        epoll_ctl(poll_fd, EPOLL_CTL_DEL, connection->fd, NULL);
    connection->events = 0;
    connection->state = STATE_REST;
    result.resting++;
}

static void begin_request(struct connection *connection)
{
    connection->state = STATE_SEND;
    connection->sent = 0;
    connection->head_size = 0;
    memset(connection->tail, 0, sizeof(connection->tail));
}

static void start_tls(struct connection *connection)
{
    connection->ssl = bench_client(context, connection->fd, HOST);
    connection->state = STATE_TLS;
}

static void fail(struct connection *connection, const char *what)
{
    result.errors++;
    if (!result.error[0])
        snprintf(result.error, sizeof(result.error), "%s", what);
    close_connection(connection);
    rest(connection);
}

static void open_connection(struct connection *connection)
{
    char head[256];
    int head_size = snprintf(head, sizeof(head), "CONNECT %s:%u HTTP/1.1\r\nHost: %s:%u\r\n\r\n", HOST,
                             options.named_port, HOST, options.named_port);

    connection->begun = bench_now_ns();
    connection->fd = bench_connect(options.port);
    if (connection->fd < 0) {
        fail(connection, "the connection is refused");
        return;
    }
    bench_set_nonblocking(connection->fd);
    connection->state = STATE_CONNECT;
    connection->head_size = 0;
    if (options.proxy && send(connection->fd, head, (size_t)head_size, MSG_NOSIGNAL) < 0) {
        fail(connection, "the connection broke");
        return;
    }
    if (!options.proxy && options.tls)
        start_tls(connection);
    else if (!options.proxy)
        begin_request(connection);
    watch(connection, options.proxy ? EPOLLIN : EPOLLOUT);
}

static void add_latency(const struct connection *connection)
{
    if (result.latency_count == result.latency_capacity) {
        result.latency_capacity = result.latency_capacity ? 2 * result.latency_capacity : 4096;
        result.latencies_us = realloc(result.latencies_us, result.latency_capacity * sizeof(*result.latencies_us));
        if (!result.latencies_us)
            bench_die("out of memory");
    }
    result.latencies_us[result.latency_count++] = (uint32_t)((bench_now_ns() - connection->begun) / 1000);
}

static bool time_is_over(void)
{
    return bench_now_ns() >= deadline_ns || result.errors >= ERRORS_MAX;
}

// The answer is whole: the next request has its turn. True: on this connection, now.
static bool answered(struct connection *connection)
{
    result.requests++;
    add_latency(connection);
    switch (options.mode) {
    case MODE_REQUESTS:
        if (!time_is_over()) {
            connection->begun = bench_now_ns();
            begin_request(connection);
            return true;
        }
        break;
    case MODE_NEW:
        if (connection->ssl)
            SSL_shutdown(connection->ssl);
        close_connection(connection);
        if (!time_is_over()) {
            open_connection(connection);
            return false;
        }
        break;
    case MODE_DOWN:
    case MODE_UP:
    case MODE_IDLE:
        break;
    }
    rest(connection);
    return false;
}

// Both as bench_read and bench_write.

static ssize_t read_some(struct connection *connection, char *at, size_t size)
{
    ssize_t count;

    if (connection->ssl)
        return bench_read(connection->ssl, at, size);
    count = recv(connection->fd, at, size, 0);
    if (count > 0)
        return count;
    return count < 0 && errno == EAGAIN ? 0 : -1;
}

static ssize_t write_some(struct connection *connection, const char *data, size_t size)
{
    ssize_t count;

    if (connection->ssl)
        return bench_write(connection->ssl, data, size);
    count = send(connection->fd, data, size, MSG_NOSIGNAL);
    return count < 0 && errno == EAGAIN ? 0 : count;
}

// True: all is sent.
static bool send_request(struct connection *connection)
{
    while (connection->sent < request.size) {
        size_t size;
        const char *data = load_request_at(&request, connection->sent, &size);
        ssize_t count = write_some(connection, data, size);

        if (count < 0) {
            fail(connection, "the connection broke in the request");
            return false;
        }
        if (count == 0) {
            watch(connection, EPOLLOUT);
            return false;
        }
        connection->sent += (uint64_t)count;
    }
    connection->state = STATE_HEAD;
    return true;
}

// Counts body bytes; true where the body has ended.
static bool take_body(struct connection *connection, const char *data, size_t size)
{
    size_t kept = size < sizeof(connection->tail) ? size : sizeof(connection->tail);

    result.bytes += size;
    if (!connection->chunked) {
        connection->left -= size < connection->left ? size : connection->left;
        return connection->left == 0;
    }
    memmove(connection->tail, connection->tail + kept, sizeof(connection->tail) - kept);
    memcpy(connection->tail + sizeof(connection->tail) - kept, data + size - kept, kept);
    return !memcmp(connection->tail, "0\r\n\r\n", sizeof(connection->tail));
}

// A server may close a kept-alive connection after some requests: then another one is made.
static bool reconnect(struct connection *connection)
{
    if (options.mode != MODE_REQUESTS || connection->head_size > 0 || result.requests == 0)
        return false;
    result.reconnects++;
    close_connection(connection);
    open_connection(connection);
    return true;
}

// Waits for more. False, for its callers to give on.
static bool wait_for_input(struct connection *connection)
{
    watch(connection, EPOLLIN);
    return false;
}

// Reads a head; true where it is whole, and good.
static bool read_head(struct connection *connection, struct bench_head *ret_head)
{
    char what[64];

    while (!bench_head_parse(ret_head, connection->head, connection->head_size)) {
        ssize_t count = read_some(connection, connection->head + connection->head_size,
                                  sizeof(connection->head) - connection->head_size);

        if (count == 0)
            return wait_for_input(connection);
        if (count < 0) {
            if (!reconnect(connection))
                fail(connection, "the connection was closed before an answer");
            return false;
        }
        connection->head_size += (size_t)count;
    }
    if (ret_head->status == 200)
        return true;
    snprintf(what, sizeof(what), "status %d", ret_head->status);
    fail(connection, what);
    return false;
}

// What follows is told by each of these: true goes on at once, false waits for the next event.

static bool on_connected(struct connection *connection)
{
    struct bench_head head;

    if (!read_head(connection, &head))
        return false;
    start_tls(connection);
    return true;
}

static bool on_tls(struct connection *connection)
{
    int outcome;

    ERR_clear_error();
    outcome = SSL_do_handshake(connection->ssl);

    if (outcome != 1) {
        if (SSL_get_error(connection->ssl, outcome) == SSL_ERROR_WANT_READ)
            return wait_for_input(connection);
        fail(connection, "the TLS handshake failed");
        return false;
    }
    if (!result.cipher[0])
        snprintf(result.cipher, sizeof(result.cipher), "%s %s", SSL_get_version(connection->ssl),
                 SSL_get_cipher_name(connection->ssl));
    begin_request(connection);
    return true;
}

// Whether a push arrived whole: a proxy may have answered it itself.
static bool was_taken(const struct connection *connection, const struct bench_head *head)
{
    size_t size;
    const char *taken = bench_head_field(connection->head, head, "X-Taken", &size);

    return options.mode != MODE_UP || (taken && strtoull(taken, NULL, 10) == options.shape.bytes);
}

static bool on_head(struct connection *connection)
{
    struct bench_head head;

    if (!read_head(connection, &head))
        return false;
    if (!was_taken(connection, &head)) {
        fail(connection, "the push did not arrive");
        return false;
    }
    connection->left = head.body;
    connection->chunked = head.chunked;
    connection->state = STATE_BODY;
    return !take_body(connection, connection->head + head.size, connection->head_size - head.size) ||
           answered(connection);
}

static bool on_body(struct connection *connection)
{
    static char buffer[4 * BENCH_RECORD];
    ssize_t count = read_some(connection, buffer, sizeof(buffer));

    if (count == 0)
        return wait_for_input(connection);
    if (count < 0) {
        fail(connection, "the answer is truncated");
        return false;
    }
    return !take_body(connection, buffer, (size_t)count) || answered(connection);
}

static void step(struct connection *connection)
{
    bool more = true;

    while (more) {
        switch (connection->state) {
        case STATE_CONNECT:
            more = on_connected(connection);
            break;
        case STATE_TLS:
            more = on_tls(connection);
            break;
        case STATE_SEND:
            more = send_request(connection);
            break;
        case STATE_HEAD:
            more = on_head(connection);
            break;
        case STATE_BODY:
            more = on_body(connection);
            break;
        case STATE_REST:
            more = false;
            break;
        }
    }
}

static void open_more(struct connection *connections)
{
    unsigned together = options.mode == MODE_IDLE ? OPENING_MAX : options.connections;

    while (result.opened < options.connections && result.opened - result.resting < together)
        open_connection(&connections[result.opened++]);
}

static void run(struct connection *connections)
{
    struct epoll_event events[256];

    open_more(connections);
    while (result.resting < options.connections) {
        int count = epoll_wait(poll_fd, events, 256, HANG_MS);

        if (count == 0) {
            result.errors += options.connections - result.resting;
            snprintf(result.error, sizeof(result.error), "nothing moved for %d seconds", HANG_MS / 1000);
            return;
        }
        for (int i = 0; i < count; i++)
            step(events[i].data.ptr);
        open_more(connections);
    }
}

// Makes all connections, and begins anew with the first of the requests that count.
static void settle(struct connection *connections)
{
    options.mode = MODE_IDLE;
    run(connections);
    options.mode = MODE_REQUESTS;
    if (result.errors > 0)
        return;
    result.requests = result.bytes = result.latency_count = result.resting = 0;
    for (unsigned i = 0; i < options.connections; i++) {
        begin_request(&connections[i]);
        watch(&connections[i], EPOLLOUT);
        connections[i].begun = bench_now_ns();
    }
}

static int compare(const void *left, const void *right)
{
    uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;

    return a < b ? -1 : a > b;
}

static uint32_t percentile(double part)
{
    return result.latency_count ? result.latencies_us[(size_t)(part * (double)(result.latency_count - 1))] : 0;
}

static void report(double seconds)
{
    qsort(result.latencies_us, result.latency_count, sizeof(*result.latencies_us), compare);
    printf("{\"seconds\":%.6f,\"requests\":%llu,\"errors\":%llu,\"error\":\"%s\",\"bytes\":%llu,\"reconnects\":%llu,"
           "\"p50_us\":%u,\"p99_us\":%u,\"max_us\":%u,\"cipher\":\"%s\"}\n",
           seconds, (unsigned long long)result.requests, (unsigned long long)result.errors, result.error,
           (unsigned long long)result.bytes, (unsigned long long)result.reconnects, percentile(0.5), percentile(0.99),
           percentile(1), result.cipher);
    fflush(stdout);
}

// Waits for the end of stdin, then tells how many of the idle connections are still there.
static void stay(const struct connection *connections)
{
    char byte;
    unsigned alive = 0;

    while (read(STDIN_FILENO, &byte, 1) > 0)
        continue;
    for (unsigned i = 0; i < options.connections; i++) {
        char peeked;

        if (connections[i].fd < 0)
            continue;
        // Session tickets may still wait to be read; an end shows as 0 bytes.
        alive += recv(connections[i].fd, &peeked, 1, MSG_PEEK | MSG_DONTWAIT) != 0;
    }
    printf("{\"alive\":%u}\n", alive);
}

static enum mode parse_mode(const char *name)
{
    static const char *const names[] = {"requests", "new", "down", "up", "idle"};

    for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (!strcmp(name, names[i]))
            return (enum mode)i;
    bench_die("unknown mode: %s", name);
}

static void parse_options(int argc, char **argv)
{
    static const struct option known[] = {
        {"proxy", required_argument, NULL, 'p'},      {"gateway", required_argument, NULL, 'g'},
        {"direct", required_argument, NULL, 'd'},     {"trust", required_argument, NULL, 't'},
        {"prefix", required_argument, NULL, 'x'},     {"authorization", required_argument, NULL, 'a'},
        {"seconds", required_argument, NULL, 's'},    {"connections", required_argument, NULL, 'c'},
        {"named-port", required_argument, NULL, 'n'}, {"chunked", no_argument, NULL, 'k'},
        {"settle", no_argument, NULL, 'e'},           {0},
    };
    int option;

    while ((option = getopt_long(argc, argv, "", known, NULL)) >= 0) {
        switch (option) {
        case 'p':
        case 'g':
        case 'd':
            options.port = (uint16_t)atoi(optarg);
            options.proxy = option == 'p';
            options.tls = option != 'g';
            if (option == 'g') // a gateway is asked under its own address
                snprintf(options.shape.host, sizeof(options.shape.host), "127.0.0.1:%s", optarg);
            break;
        case 't':
            options.trust = optarg;
            break;
        case 'x':
            options.shape.prefix = optarg;
            break;
        case 'a':
            options.shape.authorization = optarg;
            break;
        case 'n':
            options.named_port = (uint16_t)atoi(optarg);
            snprintf(options.shape.host, sizeof(options.shape.host), HOST ":%s", optarg);
            break;
        case 's':
            options.seconds = atof(optarg);
            break;
        case 'c':
            options.connections = (unsigned)atoi(optarg);
            break;
        case 'e':
            options.settle = true;
            break;
        case 'k':
            options.shape.chunked = true;
            break;
        default:
            exit(2);
        }
    }
    if (optind == argc || !options.port || (options.tls && !options.trust))
        bench_die("usage: see the first lines of load.c");
    options.mode = parse_mode(argv[optind]);
    if (options.mode == MODE_DOWN || options.mode == MODE_UP) {
        options.shape.kind = options.mode == MODE_DOWN ? LOAD_DOWN : LOAD_UP;
        options.shape.bytes = optind + 1 < argc ? strtoull(argv[optind + 1], NULL, 10) : 0;
    }
}

int main(int argc, char **argv)
{
    struct connection *connections;
    uint64_t begun;

    parse_options(argc, argv);
    bench_raise_descriptors();
    load_request_make(&request, &options.shape);
    context = options.tls ? bench_client_context(options.trust) : NULL;
    poll_fd = epoll_create1(EPOLL_CLOEXEC);
    connections = calloc(options.connections, sizeof(*connections));
    if (options.settle)
        settle(connections);
    begun = bench_now_ns();
    deadline_ns = begun + (uint64_t)(options.seconds * 1e9);
    run(connections);
    report((double)(bench_now_ns() - begun) / 1e9);
    if (options.mode == MODE_IDLE)
        stay(connections);
    return result.errors > 0;
}
