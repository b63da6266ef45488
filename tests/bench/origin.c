// The benchmark's GitHub: a TLS server with HTTP/1.1 and bodies of any size, both ways.
//
//   origin CERTIFICATE KEY AUTHORIZATION
//
// A request without exactly that Authorization is answered 401: a proxy that does not do its job is seen. A target
// that holds "/bytes-N" is answered with N bytes, "/chunks-N" with N bytes in chunks of 64 KiB, any other with 300.
// Request bodies are counted (X-Taken in the answer) and forgotten. The port is printed to stdout.
#include "bench.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define SMALL_BODY 300 // about a capability advertisement
#define CHUNK_DATA ((size_t)65536)
#define CHUNK_HEAD "10000\r\n"
// A connection's turn: others wait meanwhile.
#define ROUNDS_MAX 16

// How the request's body is told from what follows.
enum body_state { BODY_HEAD, BODY_DATA, BODY_CHUNK_LINE, BODY_CHUNK_DATA, BODY_CHUNK_END, BODY_TRAILER };

struct connection {
    int fd;
    SSL *ssl;
    enum body_state state;
    uint64_t left;  // of the body, or of the chunk
    uint64_t taken; // of the body
    char line[32];  // of a chunk's head
    size_t line_size;
    char head[BENCH_HEAD_MAX]; // of the request, then of the answer
    size_t head_size, head_sent;
    struct bench_head request;
    bool authorized, answering, chunked;
    uint64_t answer_left; // of the answer's body, chunk framing included
    uint64_t answer_sent;
    uint32_t events; // what epoll is told
};

static const char *authorization;
static char filling[4 * BENCH_RECORD];
static char chunk[sizeof(CHUNK_HEAD) - 1 + CHUNK_DATA + 2];

static void close_connection(struct connection *connection)
{
    SSL_free(connection->ssl);
    close(connection->fd);
    free(connection);
}

static uint64_t number_after(const char *target, size_t size, const char *word)
{
    const char *found = memmem(target, size, word, strlen(word));

    return found ? strtoull(found + strlen(word), NULL, 10) : 0;
}

// The head and the beginning of the body leave in one record.
static void join_body(struct connection *connection)
{
    size_t room = sizeof(connection->head) - connection->head_size;
    size_t joined = connection->answer_left < room ? connection->answer_left : room;

    memcpy(connection->head + connection->head_size, filling, joined);
    connection->head_size += joined;
    connection->answer_left -= joined;
}

static void begin_answer(struct connection *connection)
{
    uint64_t size = number_after(connection->request.target, connection->request.target_size, "/bytes-");
    uint64_t chunked = number_after(connection->request.target, connection->request.target_size, "/chunks-");
    char framing[64];

    if (!connection->authorized) {
        connection->answer_left = 0;
        snprintf(framing, sizeof(framing), "Content-Length: 0");
    } else if (chunked) {
        uint64_t chunks = (chunked + CHUNK_DATA - 1) / CHUNK_DATA;

        connection->answer_left = chunks * sizeof(chunk) + sizeof("0\r\n\r\n") - 1;
        snprintf(framing, sizeof(framing), "Transfer-Encoding: chunked");
    } else {
        connection->answer_left = size ? size : SMALL_BODY;
        snprintf(framing, sizeof(framing), "Content-Length: %llu", (unsigned long long)connection->answer_left);
    }
    connection->chunked = chunked && connection->authorized;
    connection->answer_sent = 0;
    connection->head_sent = 0;
    connection->head_size = (size_t)snprintf(
        connection->head, sizeof(connection->head),
        "HTTP/1.1 %s\r\nServer: GitHub-Bench/1\r\nContent-Type: application/x-git-upload-pack-result\r\n"
        "Cache-Control: no-cache, max-age=0, must-revalidate\r\nX-GitHub-Request-Id: 1234:5678:9ABC\r\n"
        "X-Taken: %llu\r\n%s\r\n\r\n",
        connection->authorized ? "200 OK" : "401 Unauthorized", (unsigned long long)connection->taken, framing);
    connection->taken = 0;
    if (!connection->chunked)
        join_body(connection);
    connection->answering = true;
}

// The answer's bytes at this offset of its body.
static const char *answer_bytes(const struct connection *connection, size_t *ret_size)
{
    static const char end[] = "0\r\n\r\n";
    size_t at = connection->answer_sent % sizeof(chunk);

    if (!connection->chunked) {
        *ret_size = sizeof(filling);
        return filling;
    }
    if (connection->answer_left <= sizeof(end) - 1) {
        *ret_size = connection->answer_left;
        return end + sizeof(end) - 1 - connection->answer_left;
    }
    *ret_size = sizeof(chunk) - at;
    return chunk + at;
}

// Goes on with the answer. False: the connection is lost.
static bool answer(struct connection *connection)
{
    ssize_t count;

    while (connection->head_sent < connection->head_size) {
        count = bench_write(connection->ssl, connection->head + connection->head_sent,
                            connection->head_size - connection->head_sent);
        if (count <= 0)
            return count == 0;
        connection->head_sent += (size_t)count;
    }
    for (unsigned round = 0; connection->answer_left > 0; round++) {
        size_t size;
        const char *data = answer_bytes(connection, &size);

        if (round == ROUNDS_MAX)
            return true;
        count = bench_write(connection->ssl, data, size < connection->answer_left ? size : connection->answer_left);
        if (count <= 0)
            return count == 0;
        connection->answer_left -= (size_t)count;
        connection->answer_sent += (size_t)count;
    }
    connection->answering = false;
    connection->head_size = 0;
    return true;
}

static void request_done(struct connection *connection)
{
    connection->state = BODY_HEAD;
    begin_answer(connection);
}

// A line of the chunked framing (RFC 9112, 7.1) is whole: a chunk's size, its end, or a trailer.
static void take_line(struct connection *connection)
{
    switch (connection->state) {
    case BODY_CHUNK_LINE:
        connection->left = strtoull(connection->line, NULL, 16);
        connection->state = connection->left > 0 ? BODY_CHUNK_DATA : BODY_TRAILER;
        break;
    case BODY_CHUNK_END:
        connection->state = BODY_CHUNK_LINE;
        break;
    case BODY_TRAILER:
        if (connection->line_size == 1)
            request_done(connection);
        break;
    default:
        break;
    }
    connection->line_size = 0;
}

static size_t take_head(struct connection *connection, const char *data, size_t size)
{
    size_t room = sizeof(connection->head) - connection->head_size;
    size_t joined = size < room ? size : room, before = connection->head_size, value_size;
    struct bench_head *request = &connection->request;
    const char *value;

    memcpy(connection->head + before, data, joined);
    connection->head_size += joined;
    if (!bench_head_parse(request, connection->head, connection->head_size)) {
        if (room == 0)
            bench_die("a request's head is too large");
        return joined;
    }
    value = bench_head_field(connection->head, request, "Authorization", &value_size);
    connection->authorized = value && value_size == strlen(authorization) && !memcmp(value, authorization, value_size);
    connection->left = request->body;
    connection->state = request->chunked ? BODY_CHUNK_LINE : BODY_DATA;
    connection->head_size = 0;
    if (!request->chunked && request->body == 0)
        request_done(connection);
    return request->size - before;
}

// Takes what was read; where a request is whole its answer is begun. Requests are not pipelined here.
static void take(struct connection *connection, const char *data, size_t size)
{
    while (size > 0) {
        size_t used = size;

        switch (connection->state) {
        case BODY_HEAD:
            used = take_head(connection, data, size);
            break;
        case BODY_DATA:
        case BODY_CHUNK_DATA:
            used = size < connection->left ? size : (size_t)connection->left;
            connection->left -= used;
            connection->taken += used;
            if (connection->left == 0 && connection->state == BODY_DATA)
                request_done(connection);
            else if (connection->left == 0)
                connection->state = BODY_CHUNK_END;
            break;
        case BODY_CHUNK_LINE:
        case BODY_CHUNK_END:
        case BODY_TRAILER:
            used = 1;
            if (*data == '\n')
                connection->line[connection->line_size] = '\0', take_line(connection);
            else if (connection->line_size < sizeof(connection->line) - 1)
                connection->line[connection->line_size++] = *data;
            break;
        }
        data += used;
        size -= used;
    }
}

// One turn of a connection. False: it has ended.
static bool serve(struct connection *connection)
{
    static char buffer[4 * BENCH_RECORD];

    for (unsigned round = 0; round < ROUNDS_MAX; round++) {
        ssize_t count;

        if (connection->answering && !answer(connection))
            return false;
        if (connection->answering)
            return true;
        count = bench_read(connection->ssl, buffer, sizeof(buffer));
        if (count <= 0)
            return count == 0;
        take(connection, buffer, (size_t)count);
    }
    return true;
}

static void watch(int poll, struct connection *connection, int operation)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = connection};

    if (connection->answering)
        event.events = EPOLLOUT;
    else if (SSL_has_pending(connection->ssl) || SSL_want_write(connection->ssl))
        event.events = EPOLLIN | EPOLLOUT; // what TLS holds back is asked for by watching for output
    if (event.events == connection->events)
        return;
    connection->events = event.events;
    epoll_ctl(poll, operation, connection->fd, &event);
}

static void accept_all(int poll, int listener, SSL_CTX *context)
{
    int fd;

    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        struct connection *connection = calloc(1, sizeof(*connection));

        connection->fd = fd;
        connection->ssl = SSL_new(context);
        SSL_set_fd(connection->ssl, fd);
        SSL_set_accept_state(connection->ssl);
        watch(poll, connection, EPOLL_CTL_ADD);
    }
}

int main(int argc, char **argv)
{
    struct epoll_event events[256] = {{.events = EPOLLIN}};
    SSL_CTX *context;
    int poll, listener;

    if (argc != 4)
        bench_die("usage: origin CERTIFICATE KEY AUTHORIZATION");
    bench_raise_descriptors();
    context = bench_server_context(argv[1], argv[2]);
    authorization = argv[3];
    memset(filling, 'x', sizeof(filling));
    memset(chunk, 'x', sizeof(chunk));
    memcpy(chunk, CHUNK_HEAD, sizeof(CHUNK_HEAD) - 1);
    memcpy(chunk + sizeof(chunk) - 2, "\r\n", 2);
    listener = bench_listen();
    bench_set_nonblocking(listener);
    poll = epoll_create1(EPOLL_CLOEXEC);
    epoll_ctl(poll, EPOLL_CTL_ADD, listener, &events[0]); // data.ptr NULL is the listener
    for (;;) {
        int count = epoll_wait(poll, events, 256, -1);

        for (int i = 0; i < count; i++) {
            struct connection *connection = events[i].data.ptr;

            if (!connection)
                accept_all(poll, listener, context);
            else if (serve(connection))
                watch(poll, connection, EPOLL_CTL_MOD);
            else
                close_connection(connection);
        }
    }
}
