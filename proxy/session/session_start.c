#include "session_start.h"

#include "distrust.h"
#include "exchange.h"
#include "gateway.h"
#include "log.h"
#include "mem.h"
#include "overload.h"
#include "own_sockets.h"
#include "proxy_request.h"
#include "session.h"
#include "stream.h"
#include "transparent.h"
#include "tunnel.h"

static void on_timer(void *arg)
{
    struct session *session = arg;

    if (session->state == SESSION_LINGER || session->idle)
        session_close(session, REASON_NONE);
    else
        session_close(session, REASON_CLIENT_TIMEOUT);
}

static void on_release(void *arg)
{
    struct session *session = arg;

    runtime_unref(session->client.runtime);
    mem_free(session);
}

static void on_exchange_done(void *arg, bool keep_alive)
{
    struct session *session = arg;
    bool tls = stream_ssl(session->client.stream) != NULL;

    session->context->note_request(session->context->arg);
    if (!keep_alive || session->context->draining) {
        session_linger(session);
        return;
    }
    session_await_request(session, tls ? SESSION_REQUEST : SESSION_PROXY_HEAD);
    stream_want_input(session->client.stream, true);
    if (stream_input(session->client.stream).size > 0 || stream_end(session->client.stream) != STREAM_OPEN)
        loop_defer(session->context->loop, &session->next_request);
}

static void on_client_close(void *arg, enum reason reason)
{
    session_close(arg, reason);
}

static bool on_gateway_route(void *arg, const struct head *request, struct target *target, struct host_name *ret_host,
                             uint16_t *ret_port, struct verdict *ret_verdict)
{
    return gateway_route(arg, request, target, ret_host, ret_port, ret_verdict);
}

static const struct client_callbacks session_callbacks = {
    .close = on_client_close,
    .exchange_done = on_exchange_done,
    .route = on_gateway_route,
};

static void on_client_handshake(void *arg)
{
    struct session *session = arg;

    session_await_request(session, SESSION_REQUEST);
}

// Parses the head that has arrived; one at a time, so its 6 KiB are not part of a session.
static void read_head(struct session *session)
{
    static struct head request;
    struct stream *client = session->client.stream;
    struct verdict verdict;

    if (session->idle && stream_input(client).size > 0) {
        session->idle = false;
        timer_start(&session->timer, session_limits(session)->head_ms);
    }
    head_init(&request);
    request.searched = session->searched;
    switch (head_parse_request(&request, stream_input(client), session_limits(session)->header)) {
    case HEAD_MORE:
        session->searched = request.searched;
        if (stream_end(client) != STREAM_OPEN) {
            if (session->state == SESSION_REQUEST && session->idle && !session->served)
                distrust_count(session->context->distrust, session);
            session_close(session, REASON_NONE);
        } else if (stream_input_full(client)) {
            verdict_set(&verdict, REASON_HEADER_TOO_LARGE, NULL);
            session_refuse(session, NULL, &verdict);
        }
        return;
    case HEAD_BAD:
        verdict_set(&verdict, REASON_MALFORMED, "the request's head: %s", request.bad);
        session_refuse(session, NULL, &verdict);
        return;
    case HEAD_TOO_LARGE:
        verdict_set(&verdict, REASON_HEADER_TOO_LARGE, NULL);
        session_refuse(session, NULL, &verdict);
        return;
    case HEAD_DONE:
        break;
    }
    session->searched = 0;
    timer_stop(&session->timer);
    session_use_present_runtime(session);
    if (session->state == SESSION_PROXY_HEAD)
        proxy_request_take(session, &request);
    else
        session_begin_exchange(session, &request);
}

static void on_client_input(void *arg)
{
    struct session *session = arg;

    if (session->closed)
        return;
    switch (session->state) {
    case SESSION_PROXY_HEAD:
    case SESSION_REQUEST:
        read_head(session);
        break;
    case SESSION_HELLO:
        transparent_read_hello(session);
        break;
    case SESSION_HANDSHAKE:
        distrust_count(session->context->distrust, session);
        session_close(session, REASON_CLIENT_GONE);
        break;
    case SESSION_EXCHANGE:
        exchange_client_input(session->client.exchange);
        break;
    case SESSION_TUNNEL:
        tunnel_client_input(session->tunnel);
        break;
    case SESSION_LINGER:
        stream_consume(session->client.stream, stream_input(session->client.stream).size);
        if (stream_end(session->client.stream) != STREAM_OPEN)
            session_close(session, REASON_NONE);
        break;
    }
}

static void on_client_output(void *arg)
{
    struct session *session = arg;

    if (session->state == SESSION_EXCHANGE && session->client.exchange)
        exchange_client_output(session->client.exchange);
    else if (session->state == SESSION_LINGER)
        session_await_close(session);
}

static const struct stream_callbacks client_callbacks = {
    .on_input = on_client_input,
    .on_output = on_client_output,
    .on_handshake = on_client_handshake,
};

// While half of the house is taken, connections that bring no request are let go sooner: a handshake and a head take a few
// round trips.
#define FIRST_HEAD_MS (5 * SECOND_MS)

static int64_t first_head_ms(const struct session *session)
{
    const struct client_shares *shares = session->context->shares;
    int64_t head_ms = session_limits(session)->head_ms;

    return shares->count > shares->most / 2 && head_ms > FIRST_HEAD_MS ? FIRST_HEAD_MS : head_ms;
}

void session_start(const struct session_listener *listener, int fd, const struct address *peer)
{
    struct session_context *context = listener->context;
    bool transparent = listener->mode == LISTENER_TRANSPARENT;
    struct session *session;
    struct client *client;

    if (own_sockets_hold(peer, fd) || !context->admit(context->arg, peer)) {
        overload_refuse(context, fd, peer, transparent,
                        own_sockets_hold(peer, fd) ? REASON_ADDRESS_DENIED : REASON_CONNECTIONS);
        return;
    }
    session = mem_alloc_zero(1, sizeof(*session));
    client = &session->client;
    session->context = context;
    session->listener = listener;
    client->loop = context->loop;
    client->metrics = context->metrics;
    client->ids = &context->ids;
    client->runtime = runtime_ref(context->runtime);
    client->mode = transparent ? AUDIT_TRANSPARENT : AUDIT_PROXY;
    client->draining = &context->draining;
    client->callbacks = &session_callbacks;
    client->arg = session;
    address_format(peer, client->peer);
    timer_init(&session->timer, context->loop, on_timer, session);
    deferred_init(&session->next_request, on_client_input, session);
    deferred_init(&session->release, on_release, session);
    client->stream = stream_new(context->loop, fd, &client_callbacks, session);
    context->add(context->arg, session, peer);
    session_await_request(session, transparent ? SESSION_HELLO : SESSION_PROXY_HEAD);
    // A new connection that says nothing is no idle one: it has the time of a head.
    session_wait(session, session->state, first_head_ms(session));
    stream_want_input(client->stream, true);
}
