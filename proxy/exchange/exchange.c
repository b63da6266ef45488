#include "exchange_state.h"

#include "gateway.h"
#include "mem.h"
#include "secret.h"
#include "stream.h"

// A finished exchange is kept for the next request, so that a kept-alive connection allocates nothing.
#define SPARE_MAX 64

static struct exchange *spares[SPARE_MAX];
static size_t spare_count;

// With these everything is allowed: what `enforce: false` lets through.
static const struct rules no_rules = {.present = false};

// Whether there is more to send than GitHub takes.
static bool upload_is_stuck(const struct exchange *exchange)
{
    const struct pump *up = &exchange->up;

    return exchange->request_state == REQUEST_SEND &&
           (exchange->held.sent < exchange->held.size || up->before + up->pass + up->after > 0);
}

// Nothing has moved for `limits.idle`: whoever it is that is waited for.
static void on_silence(struct exchange *exchange)
{
    struct session *session = exchange->session;

    if (exchange->request_state == REQUEST_WAIT)
        return; // a token, a connection and a pause have limits of their own
    switch (exchange->response_state) {
    case RESPONSE_HEAD:
        if (exchange->request_state == REQUEST_SENT || upload_is_stuck(exchange))
            exchange_refuse_with(exchange, REASON_UPSTREAM_TIMEOUT, NULL);
        else
            session_close(session, REASON_CLIENT_TIMEOUT);
        break;
    case RESPONSE_ERROR:
        exchange_refuse_with_quote(exchange);
        break;
    case RESPONSE_BODY:
        session_close(session, exchange->down.pass > 0 ? REASON_CLIENT_TIMEOUT : REASON_UPSTREAM_TIMEOUT);
        break;
    case RESPONSE_NONE:
    case RESPONSE_OWN:
    case RESPONSE_DONE:
        session_close(session, REASON_CLIENT_TIMEOUT);
        break;
    }
}

static void on_idle(void *arg)
{
    struct exchange *exchange = arg;
    struct loop *loop = server_loop(exchange->session->server);
    int64_t silent_ms = loop_now(loop).ms - exchange->moved.ms;
    int64_t limit_ms = exchange->runtime->config->limits.idle_ms;

    if (silent_ms < limit_ms) {
        timer_start(&exchange->idle, limit_ms - silent_ms);
        return;
    }
    timer_start(&exchange->idle, limit_ms);
    exchange_moved(exchange);
    on_silence(exchange);
}

void exchange_moved(struct exchange *exchange)
{
    exchange->moved = loop_now(server_loop(exchange->session->server));
}

static void on_release(void *arg)
{
    struct exchange *exchange = arg;

    token_unref(exchange->token);
    body_gate_free(exchange->gate);
    if (exchange->push.reasons)
        push_decision_clear(&exchange->push);
    ruling_unref(exchange->ruling);
    mem_free(exchange->beyond);
    mem_free(exchange->held.data);
    text_free(&exchange->own);
    if (exchange->head_bytes != exchange->head_room)
        mem_free(exchange->head_bytes);
    runtime_unref(exchange->runtime);
    if (spare_count < SPARE_MAX)
        spares[spare_count++] = exchange;
    else
        mem_free(exchange);
}

static struct exchange *new_exchange(struct session *session)
{
    struct exchange *exchange = spare_count > 0 ? spares[--spare_count] : mem_alloc(sizeof(*exchange));
    struct loop *loop = server_loop(session->server);

    memset(exchange, 0, offsetof(struct exchange, decision));
    exchange->decision.decision = DECISION_ALLOW;
    exchange->decision.rule = NULL;
    exchange->push.reasons = NULL;
    exchange->verdict.reason = exchange->noted.reason = REASON_NONE;
    exchange->verdict.retry_after_s = 0;
    exchange->session = session;
    exchange->runtime = runtime_ref(session->runtime);
    exchange->started = exchange->moved = loop_now(loop);
    exchange->operation.kind = OPERATION_KIND_COUNT;
    server_next_id(session->server, exchange->id);
    timer_init(&exchange->idle, loop, on_idle, exchange);
    timer_start(&exchange->idle, exchange->runtime->config->limits.idle_ms);
    deferred_init(&exchange->release, on_release, exchange);
    session->exchange = exchange;
    session->state = SESSION_EXCHANGE;
    return exchange;
}

// Leaves the session; nothing comes to it any more.
static void leave(struct exchange *exchange)
{
    exchange_release(exchange, false);
    timer_stop(&exchange->idle);
    exchange->request_state = REQUEST_DROPPED;
    exchange->response_state = RESPONSE_DONE;
    exchange->session->exchange = NULL;
    loop_defer(server_loop(exchange->session->server), &exchange->release);
}

// Takes the head off the client's input, so that its views do not move.
static void take_head(struct exchange *exchange, const struct head *request)
{
    struct stream *client = exchange->session->client;
    size_t size = request->size;

    exchange->head_bytes = size <= sizeof(exchange->head_room) ? exchange->head_room : mem_alloc(size);
    head_copy(&exchange->request, exchange->head_bytes, request, stream_input(client).data);
    stream_consume(client, size);
    exchange->has_request = true;
    exchange->client_closes = !exchange->request.keep_alive;
    body_from_request(&exchange->up.body, &exchange->request);
    exchange->awaits_continue = exchange->request.expect_continue && !body_is_done(&exchange->up.body);
}

// CONNECT name, SNI and Host must be one: nothing is forwarded where they are not.
static bool names_agree(const struct exchange *exchange)
{
    const struct session *session = exchange->session;
    SSL *ssl = stream_ssl(session->client);
    const char *sni = ssl ? SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name) : NULL;
    struct host_name host;
    uint16_t port;

    if (sni && (!host_name_parse(bytes_of_string(sni), &host) || !host_name_equal(&host, &session->host)))
        return false;
    if (exchange->request.host.size > 0 && (!host_name_parse_authority(exchange->request.host, 443, &host, &port) ||
                                            port != 443 || !host_name_equal(&host, &session->host)))
        return false;
    return exchange->target.form != TARGET_ABSOLUTE || (exchange->target.https && exchange->target.port == 443 &&
                                                        host_name_equal(&exchange->target.host, &session->host));
}

static bool method_is_served(enum head_method method)
{
    return method != METHOD_OTHER && method != METHOD_CONNECT;
}

// Tells what is asked of whom. False: refused, with the verdict.
static bool tell_operation(struct exchange *exchange, struct verdict *ret_verdict)
{
    struct session *session = exchange->session;
    struct host_name host = session->host;
    enum github_endpoint endpoint;
    const char *bad;

    if (!method_is_served(exchange->request.method))
        return verdict_set(ret_verdict, REASON_METHOD, NULL);
    if (!target_parse(exchange->request.method, exchange->request.target, &exchange->target, &bad))
        return verdict_set(ret_verdict, REASON_NAME_MALFORMED, "the request's target: %s", bad);
    if (session->mode == AUDIT_GATEWAY) {
        if (!gateway_route(session, &exchange->request, &exchange->target, &host, ret_verdict))
            return false;
    } else if (!names_agree(exchange)) {
        return verdict_set(ret_verdict, REASON_MISDIRECTED, NULL);
    }
    exchange->github = runtime_find_github(exchange->runtime, &host, &endpoint);
    if (!exchange->github)
        return verdict_set(ret_verdict, REASON_GATEWAY_ROUTE, NULL);
    if (!operation_parse(&exchange->github->config->host, endpoint, exchange->request.method, &exchange->target,
                         &exchange->operation, ret_verdict))
        return false;
    if (session->mode == AUDIT_GATEWAY && !gateway_serves(exchange->operation.kind))
        return verdict_set(ret_verdict, REASON_GATEWAY_ROUTE, NULL);
    return true;
}

bool exchange_enforce(struct exchange *exchange, const struct verdict *verdict)
{
    if (exchange->runtime->config->enforce) {
        exchange_refuse(exchange, verdict);
        return true;
    }
    if (exchange->noted.reason == REASON_NONE)
        exchange->noted = *verdict;
    return false;
}

static bool decide(struct exchange *exchange)
{
    policy_decide(exchange->rules, &exchange->operation, &exchange->decision);
    if (exchange->decision.decision != DECISION_ALLOW)
        exchange_leave_grant(exchange, &exchange->decision.verdict);
    if (exchange->decision.decision != DECISION_DENY)
        return true;
    if (exchange_enforce(exchange, &exchange->decision.verdict))
        return false;
    exchange->noted_rule = exchange->decision.rule;
    policy_decide(&no_rules, &exchange->operation, &exchange->decision);
    return true;
}

static void on_repository(void *arg, const struct repository_name *name)
{
    struct exchange *exchange = arg;

    exchange->token_request = NULL;
    if (!name) {
        exchange_refuse_with(exchange, REASON_REPOSITORY_ID_UNKNOWN, NULL);
        return;
    }
    operation_resolve(&exchange->operation, name);
    if (decide(exchange))
        exchange_begin_request(exchange);
}

// A repository that is named by its id is looked up first: rules know names.
static void find_repository(struct exchange *exchange)
{
    struct token_service *tokens = exchange->runtime->tokens;
    const struct github_host *host = exchange->operation.host;
    uint64_t id = exchange->operation.repository_id;
    struct repository_name name;

    exchange->request_state = REQUEST_WAIT;
    if (token_service_repository(tokens, host, id, &name)) {
        on_repository(exchange, &name);
        return;
    }
    exchange->token_request = token_service_find_repository(
        tokens, host, host->default_owner ? host->default_owner : "", id, on_repository, exchange);
}

void exchange_decide(struct exchange *exchange)
{
    if (exchange->operation.kind == OPERATION_API_REPOSITORY_ID)
        find_repository(exchange);
    else if (decide(exchange))
        exchange_begin_request(exchange);
}

void exchange_start(struct session *session, const struct head *request)
{
    struct exchange *exchange = new_exchange(session);
    struct verdict verdict;

    take_head(exchange, request);
    if (server_is_draining(session->server))
        exchange->client_closes = true;
    if (!tell_operation(exchange, &verdict))
        exchange_refuse(exchange, &verdict);
    else if (exchange_find_rules(exchange))
        exchange_decide(exchange);
}

void exchange_start_refused(struct session *session, const struct head *request, const struct verdict *verdict)
{
    struct exchange *exchange = new_exchange(session);

    if (request) {
        take_head(exchange, request);
    } else {
        exchange->client_closes = true;
        exchange->up.body_done = true;
    }
    exchange_refuse(exchange, verdict);
}

static bool decide_lfs(struct exchange *exchange)
{
    const struct lfs_body *body = body_gate_lfs(exchange->gate);
    bool write = exchange->operation.kind == OPERATION_LFS_BATCH ? body->upload : true;

    policy_decide_lfs(&exchange->operation, write, bytes_of_string(body->ref), &exchange->decision);
    if (exchange->decision.decision == DECISION_DENY && exchange_leave_grant(exchange, &exchange->decision.verdict))
        policy_decide_lfs(&exchange->operation, write, bytes_of_string(body->ref), &exchange->decision);
    if (exchange->decision.decision != DECISION_DENY)
        return true;
    if (exchange_enforce(exchange, &exchange->decision.verdict))
        return false;
    exchange->noted_rule = exchange->decision.rule;
    policy_decide(&no_rules, &exchange->operation, &exchange->decision);
    policy_decide_lfs(&exchange->operation, write, bytes_of_string(body->ref), &exchange->decision);
    return true;
}

static bool decide_push(struct exchange *exchange)
{
    policy_decide_push(exchange->decision.rule, body_gate_push(exchange->gate), &exchange->push);
    if (!exchange->push.allowed && exchange_leave_grant(exchange, &exchange->push.verdict)) {
        push_decision_clear(&exchange->push);
        policy_decide_push(exchange->decision.rule, body_gate_push(exchange->gate), &exchange->push);
    }
    if (!exchange->push.allowed && exchange_enforce(exchange, &exchange->push.verdict))
        return false;
    return exchange_limit_pack(exchange);
}

static bool decide_graphql(struct exchange *exchange)
{
    struct bytes owner = bytes_of_string(body_gate_owner(exchange->gate));

    policy_decide_graphql(exchange->rules, &exchange->operation, owner, &exchange->decision);
    if (exchange->decision.decision == DECISION_DENY && exchange_leave_grant(exchange, &exchange->decision.verdict))
        policy_decide_graphql(exchange->rules, &exchange->operation, owner, &exchange->decision);
    if (exchange->decision.decision != DECISION_DENY)
        return true;
    if (exchange_enforce(exchange, &exchange->decision.verdict))
        return false;
    policy_decide_graphql(&no_rules, &exchange->operation, owner, &exchange->decision);
    return true;
}

void exchange_gate_decided(struct exchange *exchange)
{
    bool decided = true;

    exchange->gate_done = true;
    exchange->request_state = REQUEST_WAIT;
    if (body_gate_is_probe(exchange->gate)) {
        exchange_answer_probe(exchange);
        return;
    }
    switch (body_gate_kind(exchange->gate)) {
    case GATE_PUSH:
        decided = decide_push(exchange);
        break;
    case GATE_NONE:
    case GATE_PROBE:
        break;
    case GATE_LFS_BATCH:
    case GATE_LFS_LOCK:
        decided = decide_lfs(exchange);
        break;
    case GATE_GRAPHQL:
        decided = decide_graphql(exchange);
        break;
    }
    if (!decided)
        return;
    exchange_ask_token(exchange);
    exchange_ask_upstream(exchange);
    exchange_proceed(exchange);
}

void exchange_finish(struct exchange *exchange)
{
    struct session *session = exchange->session;
    bool keep_alive = !exchange->client_closes;

    exchange_tell(exchange);
    leave(exchange);
    session_exchange_done(session, keep_alive);
}

void exchange_cut(struct exchange *exchange, enum reason reason)
{
    if (exchange->verdict.reason == REASON_NONE)
        verdict_set(&exchange->verdict, reason, NULL);
    exchange_tell(exchange);
    leave(exchange);
}
