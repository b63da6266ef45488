#include "proxy_request.h"

#include "answer.h"
#include "gateway.h"
#include "password_guesses.h"
#include "proxy_password.h"
#include "rules_answer.h"
#include "secret.h"
#include "session.h"
#include "stream.h"
#include "target.h"
#include "tunnel.h"

// CONNECT: TLS ends here for the git hosts; to others a tunnel is made.
static void on_connect(struct session *session, const struct head *request)
{
    struct target target;
    struct verdict verdict;
    enum github_endpoint endpoint;
    const char *bad;

    if (!target_parse(METHOD_CONNECT, request->target, &target, &bad)) {
        verdict_set(&verdict, REASON_NAME_MALFORMED, "CONNECT: %s", bad);
        session_refuse(session, request, &verdict);
        return;
    }
    session->client.host = target.host;
    session->client.mode = AUDIT_PROXY;
    session->client.port = target.port;
    if (!runtime_intercepts(session->client.runtime, &target.host)) {
        if (!tunnel_allowed(session->client.runtime, &target.host, target.port, &verdict)) {
            session_refuse(session, request, &verdict);
            return;
        }
        session_begin_tunnel(session, target.port, request);
        return;
    }
    if (!runtime_find_host(session->client.runtime, &target.host, target.port, &endpoint)) {
        verdict_set(&verdict, REASON_PORT_DENIED, NULL);
        session_refuse(session, request, &verdict);
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
    session_start_tls(session);
}

// The workspace asks what it may do here.
static void serve_rules(struct session *session, const struct head *request)
{
    struct verdict verdict;

    if (!gateway_may_be_asked(session, request)) {
        verdict_set(&verdict, REASON_GATEWAY_FOREIGN, NULL);
        session_refuse(session, request, &verdict);
        return;
    }
    timer_stop(&session->timer);
    if (rules_answer_send(&session->client, request))
        session_linger(session);
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

static bool is_for_gateway(const struct session *session, const struct head *request, const struct target *target)
{
    struct host_name host;
    uint16_t port;

    return host_name_parse_authority(request->host, 80, &host, &port) && host_name_equal(&host, &target->host) &&
           session->context->is_gateway_host(session->context->arg, &host, port);
}

// A URL instead of a CONNECT. axios before 1.17 sends that for https://, too: where nobody can listen in, it is served.
static void on_absolute(struct session *session, const struct head *request, const struct target *target)
{
    const struct session_listener *listener = session->listener;
    struct verdict verdict;

    session->client.mode = AUDIT_PROXY;
    session->client.host = target->host;
    session->client.port = target->port;
    if (target->https && (listener->loopback || listener->password) &&
        runtime_find_port(session->client.runtime, &target->host, &session->client.port) &&
        !gateway_page_asks(request)) {
        session->client.plain = true;
        session_begin_exchange(session, request);
        return;
    }
    verdict_set(&verdict, target->https ? REASON_PLAIN_HTTPS : REASON_PLAIN_HTTP, NULL);
    session_refuse(session, request, &verdict);
}

void proxy_request_take(struct session *session, const struct head *request)
{
    struct verdict verdict;
    struct target target;

    session->client.plain = false;
    if (!is_authorized(session, request, &verdict)) {
        session_refuse(session, request, &verdict);
        return;
    }
    if (request->method == METHOD_CONNECT) {
        on_connect(session, request);
        return;
    }
    // Most are for the gateway, in origin form: that is looked at where it is served.
    if (!bytes_start_with(request->target, BYTES("/")) &&
        target_parse(request->method, request->target, &target, NULL) && target.form == TARGET_ABSOLUTE &&
        !is_for_gateway(session, request, &target)) {
        on_absolute(session, request, &target);
        return;
    }
    session->client.mode = AUDIT_GATEWAY;
    if (rules_answer_is_asked(request))
        serve_rules(session, request);
    else
        session_begin_exchange(session, request);
}
