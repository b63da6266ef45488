#include "exchange_state.h"

#include "metrics.h"
#include "wire.h"

static const char *decision_label(enum decision decision)
{
    static const char *const labels[] = {"allow", "deny", "anonymous"};

    return labels[decision];
}

// What the event and the metrics say: a refusal of ours is "deny", also where `enforce: false` let it through; what
// failed on the way is not.
static enum decision told_decision(const struct exchange *exchange)
{
    if (exchange->noted.reason != REASON_NONE || reason_is_refusal(exchange->verdict.reason))
        return DECISION_DENY;
    return exchange->decision.decision;
}

static void count(const struct exchange *exchange, const char *label, enum reason reason, int64_t duration_ms)
{
    struct metrics *metrics = server_metrics(exchange->session->server);
    const char *decision = decision_label(told_decision(exchange));
    char status[12];
    struct wire digits = wire_of(status, sizeof(status) - 1);

    wire_put_number(&digits, (uint64_t)exchange->status);
    status[digits.size] = '\0';
    metrics_add(metrics, METRIC_REQUESTS, METRIC_LABELS(label, decision, status), 1);
    metrics_observe(metrics, METRIC_REQUEST_DURATION, METRIC_LABELS(label), (double)duration_ms / 1000);
    metrics_add(metrics, METRIC_BYTES, METRIC_LABELS(label, "up"), (double)exchange->bytes_up);
    metrics_add(metrics, METRIC_BYTES, METRIC_LABELS(label, "down"), (double)exchange->bytes_down);
    if (reason != REASON_NONE)
        metrics_add(metrics, METRIC_DENIALS, METRIC_LABELS(reason_row(reason)->code), 1);
}

static const char *told_host(const struct exchange *exchange)
{
    if (exchange->github && exchange->session->mode == AUDIT_GATEWAY)
        return exchange->github->config->host.web;
    return exchange->session->host.text;
}

// An LFS request that writes is a push: its ref is told.
static const char *told_lfs_ref(const struct exchange *exchange)
{
    enum operation_kind kind = exchange->operation.kind;
    const struct lfs_body *body = exchange->gate ? body_gate_lfs(exchange->gate) : NULL;
    bool writes = kind == OPERATION_LFS_LOCK || kind == OPERATION_LFS_LOCKS_VERIFY || kind == OPERATION_LFS_UNLOCK ||
                  (kind == OPERATION_LFS_BATCH && body && body->upload);

    if (!writes)
        return NULL;
    return body && body->ref ? body->ref : "";
}

static const char *told_label(const struct exchange *exchange)
{
    if (exchange->has_request && exchange->request.method == METHOD_CONNECT)
        return operation_label_name(LABEL_TUNNEL);
    if (exchange->operation.kind == OPERATION_KIND_COUNT)
        return operation_label_name(LABEL_OTHER);
    return operation_label_name(operation_label(exchange->operation.kind));
}

void exchange_tell(struct exchange *exchange)
{
    struct session *session = exchange->session;
    int64_t duration_ms = loop_now(server_loop(session->server)).ms - exchange->started.ms;
    const char *label = told_label(exchange);
    enum reason reason = exchange->verdict.reason != REASON_NONE ? exchange->verdict.reason : exchange->noted.reason;
    const struct rule *rule = exchange->noted_rule ? exchange->noted_rule : exchange->decision.rule;
    struct audit_event event = {
        .event = "request",
        .id = exchange->id,
        .client = session->peer,
        .mode = session->mode,
        .host = told_host(exchange),
        .repository = &exchange->operation.repository,
        .operation = label,
        .push = exchange->gate ? body_gate_push(exchange->gate) : NULL,
        .lfs_ref = told_lfs_ref(exchange),
        .decision = told_decision(exchange),
        .rule = rule ? rule->match : NULL,
        .reason = reason,
        .status = exchange->status,
        .bytes_up = exchange->bytes_up,
        .bytes_down = exchange->bytes_down,
        .duration_ms = duration_ms,
        .source = exchange->source,
        .token = exchange->token ? exchange->token->fingerprint : NULL,
        .github_request_id = bytes_of_string(exchange->github_request_id),
    };

    if (exchange->has_request)
        event.user_agent = head_value(&exchange->request, FIELD_USER_AGENT);
    count(exchange, label, reason, duration_ms);
    audit_write(&event, clock_wall(server_clock(session->server)));
}

void exchange_describe(const struct exchange *exchange, bool more, struct text *text)
{
    const struct repository_name *repository = &exchange->operation.repository;
    int64_t age_ms = loop_now(server_loop(exchange->session->server)).ms - exchange->started.ms;

    text_format(text, "%s{\"id\":\"%s\",\"client\":\"%s\",\"operation\":\"%s\",\"host\":", more ? "," : "",
                exchange->id, exchange->session->peer, told_label(exchange));
    text_append_json_string(text, bytes_of_string(told_host(exchange)));
    if (repository->owner[0])
        text_format(text, ",\"repository\":\"%s/%s\"", repository->owner, repository->name);
    text_format(text, ",\"bytes_up\":%llu,\"bytes_down\":%llu,\"duration_ms\":%lld}",
                (unsigned long long)exchange->bytes_up, (unsigned long long)exchange->bytes_down, (long long)age_ms);
}
