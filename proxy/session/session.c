#include "session.h"

#include <openssl/ssl.h>

#include "exchange.h"
#include "leaf_set.h"
#include "stream.h"
#include "tunnel.h"

// A client that was sent its answer has this long to read it and close before it is reset.
#define LINGER_MS (2 * SECOND_MS)

void session_close(struct session *session, enum reason reason)
{
    if (session->closed)
        return;
    session->closed = true;
    // Half an answer must not look like a whole one.
    if (session->client.exchange || !stream_output_empty(session->client.stream))
        stream_abort(session->client.stream);
    if (session->client.exchange)
        exchange_abort(session->client.exchange, reason);
    if (session->tunnel)
        tunnel_abort(session->tunnel, reason);
    timer_stop(&session->timer);
    deferred_cancel(&session->next_request);
    stream_free(session->client.stream);
    session->context->remove(session->context->arg, session);
    loop_defer(session->context->loop, &session->release);
}

// Only what waits for the client makes room for others.
static void enter_state(struct session *session, enum session_state state)
{
    bool busy = state == SESSION_EXCHANGE || state == SESSION_TUNNEL || state == SESSION_LINGER;

    session->served = session->served || session->state == SESSION_EXCHANGE;
    session->state = state;
    share_member_set(&session->share, busy ? SHARE_BUSY : session->served ? SHARE_SERVED : SHARE_NEW);
}

void session_wait(struct session *session, enum session_state state, int64_t limit_ms)
{
    enter_state(session, state);
    timer_start(&session->timer, limit_ms);
}

const struct config_limits *session_limits(const struct session *session)
{
    return &session->client.runtime->config->limits;
}

void session_await_request(struct session *session, enum session_state state)
{
    session->idle = true;
    session_wait(session, state, session_limits(session)->idle_ms);
}

void session_refuse(struct session *session, const struct head *request, const struct verdict *verdict)
{
    timer_stop(&session->timer);
    enter_state(session, SESSION_EXCHANGE);
    exchange_start_refused(&session->client, request, verdict);
}

void session_begin_exchange(struct session *session, const struct head *request)
{
    enter_state(session, SESSION_EXCHANGE);
    exchange_start(&session->client, request);
}

void session_await_close(struct session *session)
{
    session_wait(session, SESSION_LINGER,
                 stream_output_empty(session->client.stream) ? LINGER_MS : session_limits(session)->idle_ms);
}

void session_linger(struct session *session)
{
    stream_shutdown_output(session->client.stream);
    session_await_close(session);
}

void session_use_present_runtime(struct session *session)
{
    struct runtime *present = runtime_ref(session->context->runtime);

    session->context->note_request(session->context->arg);
    runtime_unref(session->client.runtime);
    session->client.runtime = present;
}

static void on_tunnel_refused(void *arg, const struct head *connect, const struct verdict *verdict)
{
    struct session *session = arg;

    session->tunnel = NULL;
    session_refuse(session, connect, verdict);
}

void session_begin_tunnel(struct session *session, uint16_t port, const struct head *connect)
{
    timer_stop(&session->timer);
    enter_state(session, SESSION_TUNNEL);
    session->tunnel = tunnel_start(&session->client, port, connect, on_tunnel_refused);
}

void session_start_tls(struct session *session)
{
    SSL_CTX *context = leaf_set_context(session->context->leaves, host_name_bytes(&session->client.host));
    SSL *ssl = context ? SSL_new(context) : NULL;

    if (!ssl) {
        session_close(session, REASON_INTERNAL);
        return;
    }
    SSL_set_accept_state(ssl);
    session_wait(session, SESSION_HANDSHAKE, session_limits(session)->head_ms);
    stream_start_tls(session->client.stream, ssl);
}

void session_drain(struct session *session)
{
    bool between = session->state == SESSION_PROXY_HEAD || session->state == SESSION_REQUEST;

    if (between && session->idle)
        session_close(session, REASON_NONE);
}
