#include "session.h"

#include <netinet/in.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include "answer.h"
#include "client_hello.h"
#include "exchange.h"
#include "gateway.h"
#include "leaf_set.h"
#include "log.h"
#include "mem.h"
#include "original_destination.h"
#include "password_guesses.h"
#include "proxy_password.h"
#include "rules_answer.h"
#include "secret.h"
#include "stream.h"
#include "target.h"
#include "tunnel.h"

// A client that was sent its answer has this long to read it and close before it is reset.
#define LINGER_MS (2 * SECOND_MS)

static void on_client_input(void *arg);
static void on_client_output(void *arg);
static void on_client_handshake(void *arg);

static const struct stream_callbacks client_callbacks = {
    .on_input = on_client_input,
    .on_output = on_client_output,
    .on_handshake = on_client_handshake,
};

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

static void wait_for(struct session *session, enum session_state state, int64_t limit_ms)
{
    session->state = state;
    timer_start(&session->timer, limit_ms);
}

static const struct config_limits *limits(const struct session *session)
{
    return &session->client.runtime->config->limits;
}

// Ready for the next request: until its first byte the client may be idle.
static void await_request(struct session *session, enum session_state state)
{
    session->idle = true;
    wait_for(session, state, limits(session)->idle_ms);
}

static void refuse_request(struct session *session, const struct head *request, const struct verdict *verdict)
{
    timer_stop(&session->timer);
    session->state = SESSION_EXCHANGE;
    exchange_start_refused(&session->client, request, verdict);
}

static void serve_request(struct session *session, const struct head *request)
{
    session->state = SESSION_EXCHANGE;
    exchange_start(&session->client, request, session->context->draining);
}

// A client that reads slowly has its time to take the answer first.
static void await_close(struct session *session)
{
    wait_for(session, SESSION_LINGER,
             stream_output_empty(session->client.stream) ? LINGER_MS : limits(session)->idle_ms);
}

static void linger(struct session *session)
{
    stream_shutdown_output(session->client.stream);
    await_close(session);
}

// A request is decided by the configuration of its own time, however long the connection has been there.
static void use_present_runtime(struct session *session)
{
    struct runtime *present = runtime_ref(session->context->runtime);

    runtime_unref(session->client.runtime);
    session->client.runtime = present;
}

static void on_next_request(void *arg)
{
    struct session *session = arg;

    on_client_input(session);
}

static void on_exchange_done(void *arg, bool keep_alive)
{
    struct session *session = arg;
    bool tls = stream_ssl(session->client.stream) != NULL;

    if (!keep_alive || session->context->draining) {
        linger(session);
        return;
    }
    await_request(session, tls ? SESSION_REQUEST : SESSION_PROXY_HEAD);
    stream_want_input(session->client.stream, true);
    if (stream_input(session->client.stream).size > 0 || stream_end(session->client.stream) != STREAM_OPEN)
        loop_defer(session->context->loop, &session->next_request);
}

static void on_client_close(void *arg, enum reason reason)
{
    session_close(arg, reason);
}

static bool on_gateway_route(void *arg, const struct head *request, struct target *target, struct host_name *ret_host,
                             struct verdict *ret_verdict)
{
    return gateway_route(arg, request, target, ret_host, ret_verdict);
}

static const struct client_callbacks session_callbacks = {
    .close = on_client_close,
    .exchange_done = on_exchange_done,
    .route = on_gateway_route,
};

static void on_tunnel_refused(void *arg, const struct head *connect, const struct verdict *verdict)
{
    struct session *session = arg;

    session->tunnel = NULL;
    refuse_request(session, connect, verdict);
}

static void begin_tunnel(struct session *session, uint16_t port, const struct head *connect)
{
    timer_stop(&session->timer);
    session->state = SESSION_TUNNEL;
    session->tunnel = tunnel_start(&session->client, port, connect, on_tunnel_refused);
}

static void start_tls(struct session *session)
{
    SSL_CTX *context = leaf_set_context(session->context->leaves, host_name_bytes(&session->client.host));
    SSL *ssl = context ? SSL_new(context) : NULL;

    if (!ssl) {
        session_close(session, REASON_INTERNAL);
        return;
    }
    SSL_set_accept_state(ssl);
    wait_for(session, SESSION_HANDSHAKE, limits(session)->head_ms);
    stream_start_tls(session->client.stream, ssl);
}

static void on_client_handshake(void *arg)
{
    struct session *session = arg;

    await_request(session, SESSION_REQUEST);
}

// CONNECT: TLS ends here for GitHub's hosts; to others a tunnel is made.
static void on_connect(struct session *session, const struct head *request)
{
    struct target target;
    struct verdict verdict;
    enum github_endpoint endpoint;
    const char *bad;

    if (!target_parse(METHOD_CONNECT, request->target, &target, &bad)) {
        verdict_set(&verdict, REASON_NAME_MALFORMED, "CONNECT: %s", bad);
        refuse_request(session, request, &verdict);
        return;
    }
    session->client.host = target.host;
    session->client.mode = AUDIT_PROXY;
    if (!runtime_find_github(session->client.runtime, &target.host, &endpoint)) {
        if (!tunnel_allowed(session->client.runtime, &target.host, target.port, &verdict)) {
            refuse_request(session, request, &verdict);
            return;
        }
        begin_tunnel(session, target.port, request);
        return;
    }
    if (target.port != 443) {
        verdict_set(&verdict, REASON_PORT_DENIED, NULL);
        refuse_request(session, request, &verdict);
        return;
    }
    stream_consume(session->client.stream, request->size);
    if (!stream_write(session->client.stream, ANSWER_CONNECTED)) {
        session_close(session, REASON_INTERNAL);
        return;
    }
    stream_flush(session->client.stream);
    if (!stream_output_empty(session->client.stream)) {
        session_close(session, REASON_CLIENT_GONE); // 40 bytes that a fresh connection does not take
        return;
    }
    start_tls(session);
}

// The workspace asks what it may do here.
static void serve_rules(struct session *session, const struct head *request)
{
    struct verdict verdict;

    if (!gateway_may_be_asked(session, request)) {
        verdict_set(&verdict, REASON_GATEWAY_FOREIGN, NULL);
        refuse_request(session, request, &verdict);
        return;
    }
    timer_stop(&session->timer);
    if (rules_answer_send(&session->client, request))
        linger(session);
    else
        session_close(session, REASON_INTERNAL);
}

// Whether the listener's password was shown, if it wants one; else sets the verdict.
static bool is_authorized(struct session *session, const struct head *request, struct verdict *ret_verdict)
{
    const struct secret *password = session->listener->password;
    struct bytes shown = head_value(request, FIELD_PROXY_AUTHORIZATION);
    struct password_guesses *guesses = session->context->guesses;

    if (!password || session->authorized)
        return true;
    if (shown.size > 0 && !password_guesses_may_try(guesses, session->client.peer)) {
        verdict_set(ret_verdict, REASON_PASSWORD_GUESSES, NULL);
        ret_verdict->retry_after_s = 1;
        return false;
    }
    session->authorized = proxy_password_accepts(password, shown);
    if (!session->authorized && shown.size > 0)
        password_guesses_count(guesses, session->client.peer);
    verdict_set(ret_verdict, REASON_PROXY_AUTHORIZATION, NULL);
    return session->authorized;
}

// What the proxy itself is asked: CONNECT, the gateway, or plain HTTP, which is not served.
static void on_proxy_request(struct session *session, const struct head *request)
{
    struct verdict verdict;
    struct target target;
    uint16_t port;
    struct host_name host;

    if (!is_authorized(session, request, &verdict)) {
        refuse_request(session, request, &verdict);
        return;
    }
    if (request->method == METHOD_CONNECT) {
        on_connect(session, request);
        return;
    }
    // Most are for the gateway, in origin form: that is looked at where it is served.
    if (!bytes_start_with(request->target, BYTES("/")) &&
        target_parse(request->method, request->target, &target, NULL) && target.form == TARGET_ABSOLUTE &&
        !(host_name_parse_authority(request->host, 80, &host, &port) && host_name_equal(&host, &target.host) &&
          session->context->is_gateway_host(session->context->arg, &host, port))) {
        session->client.host = target.host;
        verdict_set(&verdict, REASON_PLAIN_HTTP, NULL);
        refuse_request(session, request, &verdict);
        return;
    }
    session->client.mode = AUDIT_GATEWAY;
    if (rules_answer_is_asked(request))
        serve_rules(session, request);
    else
        serve_request(session, request);
}

// Parses the head that has arrived; one at a time, so its 6 KiB are not part of a session.
static void read_head(struct session *session)
{
    static struct head request;
    struct stream *client = session->client.stream;
    struct verdict verdict;

    if (session->idle && stream_input(client).size > 0) {
        session->idle = false;
        timer_start(&session->timer, limits(session)->head_ms);
    }
    head_init(&request);
    request.searched = session->searched;
    switch (head_parse_request(&request, stream_input(client), limits(session)->header)) {
    case HEAD_MORE:
        session->searched = request.searched;
        if (stream_end(client) != STREAM_OPEN)
            session_close(session, REASON_NONE);
        else if (stream_input_full(client)) {
            verdict_set(&verdict, REASON_HEADER_TOO_LARGE, NULL);
            refuse_request(session, NULL, &verdict);
        }
        return;
    case HEAD_BAD:
        verdict_set(&verdict, REASON_MALFORMED, "the request's head: %s", request.bad);
        refuse_request(session, NULL, &verdict);
        return;
    case HEAD_TOO_LARGE:
        verdict_set(&verdict, REASON_HEADER_TOO_LARGE, NULL);
        refuse_request(session, NULL, &verdict);
        return;
    case HEAD_DONE:
        break;
    }
    session->searched = 0;
    timer_stop(&session->timer);
    use_present_runtime(session);
    if (session->state == SESSION_PROXY_HEAD)
        on_proxy_request(session, &request);
    else
        serve_request(session, &request);
}

// What a TLS client shows; of an answer in HTTP it shows nothing. RFC 8446 6: fatal (2), access_denied (49).
#define ALERT_ACCESS_DENIED BYTES("\x15\x03\x03\x00\x02\x02\x31")

static void refuse_hello(struct session *session, bool tls, const struct verdict *verdict)
{
    if (tls && !stream_write(session->client.stream, ALERT_ACCESS_DENIED))
        session_close(session, verdict->reason);
    else
        refuse_request(session, NULL, verdict);
}

// Transparent: the ClientHello names the host; the original destination gives the port alone.
static void read_hello(struct session *session)
{
    struct bytes input = stream_input(session->client.stream);
    enum client_hello_result result;
    enum github_endpoint endpoint;
    struct address destination;
    struct verdict verdict;
    char name[SERVER_NAME_SIZE];
    bool named;

    session->idle = false;
    result = client_hello_name(input, name);
    if (result == CLIENT_HELLO_MORE) {
        if (stream_end(session->client.stream) != STREAM_OPEN || stream_input_full(session->client.stream))
            session_close(session, REASON_CLIENT_GONE);
        return;
    }
    use_present_runtime(session);
    named = result == CLIENT_HELLO_NAME && host_name_parse(bytes_of_string(name), &session->client.host);
    timer_stop(&session->timer);
    if (!original_destination(stream_fd(session->client.stream), &destination)) {
        session_close(session, REASON_INTERNAL);
        return;
    }
    if (!named)
        original_destination_host(&destination, &session->client.host);
    if (named && runtime_find_github(session->client.runtime, &session->client.host, &endpoint))
        start_tls(session);
    else if (tunnel_allowed(session->client.runtime, &session->client.host, address_port(&destination), &verdict))
        begin_tunnel(session, address_port(&destination), NULL);
    else
        refuse_hello(session, result != CLIENT_HELLO_NOT, &verdict);
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
        read_hello(session);
        break;
    case SESSION_HANDSHAKE:
        log_info("session", "%s: TLS for %s failed: %s; does the client trust the published CA?", session->client.peer,
                 session->client.host.text, stream_failure(session->client.stream));
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
        await_close(session);
}

void session_drain(struct session *session)
{
    bool between = session->state == SESSION_PROXY_HEAD || session->state == SESSION_REQUEST;

    if (between && session->idle)
        session_close(session, REASON_NONE);
}

// Above `limits.connections`: said in the words of a proxy, since nothing else was agreed on yet.
static void refuse_connection(struct session *session)
{
    struct verdict verdict;

    verdict_set(&verdict, REASON_CONNECTIONS, NULL);
    verdict.retry_after_s = 1;
    if (session->listener->mode == LISTENER_TRANSPARENT)
        session_close(session, REASON_CONNECTIONS);
    else
        refuse_request(session, NULL, &verdict);
}

void session_new(const struct session_listener *listener, int fd, const struct address *peer)
{
    struct session *session = mem_alloc_zero(1, sizeof(*session));
    struct session_context *context = listener->context;
    struct client *client = &session->client;
    bool transparent = listener->mode == LISTENER_TRANSPARENT;

    session->context = context;
    session->listener = listener;
    client->loop = context->loop;
    client->metrics = context->metrics;
    client->ids = &context->ids;
    client->runtime = runtime_ref(context->runtime);
    client->mode = transparent ? AUDIT_TRANSPARENT : AUDIT_PROXY;
    client->callbacks = &session_callbacks;
    client->arg = session;
    address_format(peer, client->peer);
    timer_init(&session->timer, context->loop, on_timer, session);
    deferred_init(&session->next_request, on_next_request, session);
    deferred_init(&session->release, on_release, session);
    client->stream = stream_new(context->loop, fd, &client_callbacks, session);
    if (!context->add(context->arg, session)) {
        refuse_connection(session);
        return;
    }
    await_request(session, transparent ? SESSION_HELLO : SESSION_PROXY_HEAD);
    // A new connection that says nothing is no idle one: it has the time of a head.
    wait_for(session, session->state, limits(session)->head_ms);
    stream_want_input(client->stream, true);
}
