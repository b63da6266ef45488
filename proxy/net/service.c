#include "service.h"

#include <openssl/ssl.h>
#include <unistd.h>

#include "client_shares.h"
#include "listener.h"
#include "loop.h"
#include "mem.h"
#include "service_call.h"
#include "stream.h"
#include "text.h"

// A request's head here has a bearer of at most some KiB.
#define HEAD_MAX ((size_t)16 * KIB)
// What a stream's client has not taken yet: the 200 events of a page, and some more. A client that is further behind reads
// nothing.
#define STREAM_WAITING_MAX ((size_t)4 * MIB)
// After the last answer the client has this long to close.
#define LINGER_MS (1 * SECOND_MS)
// The TLS handshake and the first request's head take two or three round trips: a client with a use for the connection
// sends them at once, and a busy machine is given some seconds.
#define FIRST_HEAD_MS (5 * SECOND_MS)

enum connection_state {
    CONNECTION_HEAD,
    CONNECTION_BODY,
    CONNECTION_HANDLING,
    CONNECTION_STREAM,
    CONNECTION_ANSWER,
    CONNECTION_LINGER
};

struct connection {
    struct share_member share; // first
    struct service *service;
    LIST_ENTRY(connection) link;
    struct stream *stream;
    struct address peer;
    enum connection_state state;
    size_t searched;           // head.h
    struct service_call *call; // NULL: no request is under way
    struct text rest;          // of the answer, what the stream did not take yet
    size_t rest_sent;
    bool closes;
    bool served; // a request of it was answered
    struct timer timer;
    struct deferred again; // the next request is here already
};

struct service {
    struct service_options options;
    struct listener *listener;
    struct address address;
    LIST_HEAD(connections, connection) connections;
    struct client_shares shares;
};

static void close_connection(struct connection *connection)
{
    if (connection->call && connection->call->on_gone)
        connection->call->on_gone(connection->call->on_gone_arg);
    service_call_free(connection->call);
    LIST_REMOVE(connection, link);
    client_shares_remove(&connection->service->shares, &connection->share);
    timer_stop(&connection->timer);
    deferred_cancel(&connection->again);
    text_free(&connection->rest);
    stream_free(connection->stream);
    mem_free(connection);
}

static void on_service_timeout(void *arg)
{
    close_connection(arg);
}

static void linger(struct connection *connection)
{
    connection->state = CONNECTION_LINGER;
    timer_start(&connection->timer, LINGER_MS);
    stream_shutdown_output(connection->stream);
}

static void await_request(struct connection *connection)
{
    int64_t timeout_ms = connection->service->options.timeout_ms;

    connection->state = CONNECTION_HEAD;
    connection->searched = 0;
    timer_start(&connection->timer, connection->served || timeout_ms < FIRST_HEAD_MS ? timeout_ms : FIRST_HEAD_MS);
    if (stream_input(connection->stream).size > 0)
        loop_defer(connection->service->options.loop, &connection->again);
    else
        share_member_set(&connection->share, connection->served ? SHARE_SERVED : SHARE_NEW);
}

// Sends what waits, as far as the stream takes it. True: all is sent.
static bool send_waiting(struct connection *connection)
{
    struct bytes rest = bytes_skip(text_bytes(&connection->rest), connection->rest_sent);

    connection->rest_sent += stream_send(connection->stream, rest);
    stream_flush(connection->stream);
    if (connection->rest_sent < connection->rest.size)
        return false;
    text_free(&connection->rest); // all zero: an empty one
    connection->rest_sent = 0;
    return true;
}

// Goes on sending the rest of an answer.
static void send_rest(struct connection *connection)
{
    if (!send_waiting(connection))
        return;
    if (connection->closes || !connection->service->listener) {
        linger(connection);
        return;
    }
    connection->served = true;
    await_request(connection);
}

static void answer(struct connection *connection, const struct answer *given, bool is_head, bool secret)
{
    struct answer whole = *given;
    struct bytes body = given->body;
    struct wire wire;
    size_t room;

    whole.close = connection->closes;
    whole.omit_body = is_head || body.size > HEAD_MAX;
    wire.data = stream_output_room(connection->stream, &room);
    wire = wire_of(wire.data, room);
    if (!answer_write(&whole, &wire)) {
        stream_commit(connection->stream, 0, false);
        linger(connection);
        return;
    }
    if (whole.omit_body && !is_head) {
        // The beginning goes out with the head, so that a token is in no other place.
        wire_put(&wire, bytes_of(body.data, HEAD_MAX));
        text_append_bytes(&connection->rest, bytes_skip(body, HEAD_MAX));
    }
    stream_commit(connection->stream, wire.size, secret);
    service_call_free(connection->call);
    connection->call = NULL;
    connection->state = CONNECTION_ANSWER;
    timer_start(&connection->timer, connection->service->options.timeout_ms);
    send_rest(connection);
}

static void service_refuse(struct connection *connection, int status, struct bytes text)
{
    struct answer refusal = {.status = status, .content_type = BYTES("text/plain; charset=utf-8"), .body = text};

    connection->closes = true;
    answer(connection, &refusal, false, false);
}

void service_answer(struct service_call *call, const struct answer *given, bool secret)
{
    answer(call->connection, given, call->head.method == METHOD_HEAD, secret);
}

void service_stream_begin(struct service_call *call, struct bytes content_type)
{
    struct connection *connection = call->connection;

    connection->state = CONNECTION_STREAM;
    connection->closes = true;
    text_append(&connection->rest, "HTTP/1.1 200 OK\r\nContent-Type: ");
    text_append_bytes(&connection->rest, content_type);
    text_append(&connection->rest, "\r\nX-Content-Type-Options: nosniff\r\nCache-Control: no-store\r\n"
                                   "Connection: close\r\n\r\n");
    send_waiting(connection);
}

bool service_stream_send(struct service_call *call, struct bytes bytes)
{
    struct connection *connection = call->connection;

    if (connection->rest.size + bytes.size > STREAM_WAITING_MAX) {
        close_connection(connection);
        return false;
    }
    text_append_bytes(&connection->rest, bytes);
    send_waiting(connection);
    return true;
}

static void handle(struct connection *connection)
{
    switch (service_call_read_body(connection->call, connection->stream, connection->service->options.body)) {
    case SERVICE_BODY_MORE:
        if (stream_end(connection->stream) != STREAM_OPEN)
            close_connection(connection);
        break;
    case SERVICE_BODY_BAD:
        service_refuse(connection, 400, BYTES("the request's body is malformed\n"));
        break;
    case SERVICE_BODY_TOO_LARGE:
        service_refuse(connection, 413, BYTES("the request's body is too large\n"));
        break;
    case SERVICE_BODY_WHOLE:
        connection->state = CONNECTION_HANDLING;
        timer_stop(&connection->timer);
        connection->service->options.handler(connection->service->options.arg, connection->call);
        break;
    }
}

// False: the request's target is none of ours.
static bool service_take_head(struct connection *connection, size_t size)
{
    bool taken;

    connection->call = service_call_new(connection, &connection->peer);
    taken = service_call_take_head(connection->call, connection->stream, size);
    connection->closes = !connection->call->head.keep_alive;
    return taken;
}

static void service_read_head(struct connection *connection)
{
    static struct head head; // one at a time: its 6 KiB are not part of a connection

    head_init(&head);
    head.searched = connection->searched;
    switch (head_parse_request(&head, stream_input(connection->stream), HEAD_MAX)) {
    case HEAD_MORE:
        connection->searched = head.searched;
        share_member_set(&connection->share, connection->served ? SHARE_SERVED : SHARE_NEW);
        if (stream_end(connection->stream) != STREAM_OPEN)
            close_connection(connection);
        return;
    case HEAD_BAD:
        service_refuse(connection, 400, BYTES("the request is not well-formed HTTP/1.1\n"));
        return;
    case HEAD_TOO_LARGE:
        service_refuse(connection, 431, BYTES("the request's head is too large\n"));
        return;
    case HEAD_DONE:
        break;
    }
    if (!service_take_head(connection, head.size)) {
        service_refuse(connection, 400, BYTES("the request's target is not a path\n"));
        return;
    }
    connection->state = CONNECTION_BODY;
    share_member_set(&connection->share, SHARE_BUSY);
    if (connection->call->head.expect_continue) {
        if (!stream_write(connection->stream, ANSWER_CONTINUE)) {
            close_connection(connection);
            return;
        }
        stream_flush(connection->stream);
    }
    handle(connection);
}

static void on_input(void *arg)
{
    struct connection *connection = arg;

    if (stream_end(connection->stream) == STREAM_FAILED) {
        close_connection(connection);
        return;
    }
    switch (connection->state) {
    case CONNECTION_HEAD:
        service_read_head(connection);
        break;
    case CONNECTION_BODY:
        handle(connection);
        break;
    case CONNECTION_HANDLING:
    case CONNECTION_STREAM:
        if (stream_end(connection->stream) != STREAM_OPEN)
            close_connection(connection); // nobody waits for the answer any more
        break;
    case CONNECTION_ANSWER:
        break;
    case CONNECTION_LINGER:
        stream_consume(connection->stream, stream_input(connection->stream).size);
        if (stream_end(connection->stream) != STREAM_OPEN)
            close_connection(connection);
        break;
    }
}

static void on_service_output(void *arg)
{
    struct connection *connection = arg;

    if (connection->state == CONNECTION_ANSWER)
        send_rest(connection);
    else if (connection->state == CONNECTION_STREAM)
        send_waiting(connection);
}

static const struct stream_callbacks callbacks = {.on_input = on_input, .on_output = on_service_output};

// Closes the connection that makes room for a new one, as its timeout would soon: whoever is behind it comes back with its
// next request. False: there is no room.
static bool make_room(struct service *service, const struct address *peer)
{
    struct share_member *victim;

    bool admitted = client_shares_admit(&service->shares, peer, &victim);
    if (victim)
        close_connection((struct connection *)victim);
    return admitted;
}

static void on_service_accept(void *arg, int fd, const struct address *peer)
{
    struct service *service = arg;
    struct connection *connection;
    SSL *ssl = NULL;

    if (!make_room(service, peer) ||
        (service->options.tls && !(ssl = SSL_new(service->options.tls(service->options.tls_arg))))) {
        close(fd);
        return;
    }
    connection = mem_alloc_zero(1, sizeof(*connection));
    connection->service = service;
    connection->peer = *peer;
    LIST_INSERT_HEAD(&service->connections, connection, link);
    client_shares_add(&service->shares, &connection->share, peer);
    timer_init(&connection->timer, service->options.loop, on_service_timeout, connection);
    deferred_init(&connection->again, on_input, connection);
    connection->stream = stream_new(service->options.loop, fd, &callbacks, connection);
    await_request(connection);
    stream_want_input(connection->stream, true);
    if (ssl) {
        SSL_set_accept_state(ssl);
        stream_start_tls(connection->stream, ssl);
    }
}

SSL *service_call_tls(const struct service_call *call)
{
    return stream_ssl(call->connection->stream);
}

void service_call_close(struct service_call *call)
{
    call->connection->closes = true;
}

struct service *service_new(const struct service_options *options, struct error *ret_error)
{
    struct service *service = mem_alloc_zero(1, sizeof(*service));

    service->options = *options;
    client_shares_init(&service->shares, CLIENT_SHARES_RENEW, options->connections, options->per_client);
    service->listener = listener_new(options->loop, &options->address, false, on_service_accept, service, ret_error);
    if (!service->listener) {
        mem_free(service);
        return NULL;
    }
    service->address = *listener_address(service->listener);
    return service;
}

void service_stop(struct service *service)
{
    struct connection *next;

    listener_free(service->listener);
    service->listener = NULL;
    for (struct connection *connection = LIST_FIRST(&service->connections); connection; connection = next) {
        next = LIST_NEXT(connection, link);
        if (connection->state == CONNECTION_HEAD)
            close_connection(connection);
    }
}

void service_free(struct service *service)
{
    if (!service)
        return;
    while (!LIST_EMPTY(&service->connections))
        close_connection(LIST_FIRST(&service->connections));
    listener_free(service->listener);
    mem_free(service);
}

const struct address *service_address(const struct service *service)
{
    return &service->address;
}

size_t service_connections(const struct service *service)
{
    return service->shares.count;
}
