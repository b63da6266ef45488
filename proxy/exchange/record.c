#include "record.h"

#include "audit.h"
#include "config.h"
#include "git_host_kind.h"
#include "loop.h"
#include "metrics.h"
#include "text.h"
#include "wire.h"

static const char *decision_label(enum decision decision)
{
    static const char *const labels[] = {"allow", "deny", "anonymous"};

    return labels[decision];
}

static enum reason recorded_reason(const struct record *record)
{
    return record->reason != REASON_NONE ? record->reason : record->would_deny;
}

static int64_t duration_of(const struct record *record)
{
    return loop_now(record->client->loop).ms - record->started.ms;
}

static void count_record(const struct record *record, const char *label, enum decision decision)
{
    struct metrics *metrics = record->client->metrics;
    enum reason reason = recorded_reason(record);
    char status[12];
    struct wire digits = wire_of(status, sizeof(status) - 1);

    wire_put_number(&digits, (uint64_t)record->status);
    status[digits.size] = '\0';
    metrics_add(metrics, METRIC_REQUESTS, METRIC_LABELS(label, decision_label(decision), status), 1);
    metrics_add(metrics, METRIC_BYTES, METRIC_LABELS(label, "up"), (double)record->bytes_up);
    metrics_add(metrics, METRIC_BYTES, METRIC_LABELS(label, "down"), (double)record->bytes_down);
    if (reason != REASON_NONE)
        metrics_add(metrics, METRIC_DENIALS, METRIC_LABELS(reason_row(reason)->code), 1);
}

// What every event has.
static struct audit_event event_of(const struct record *record, const char *event, const char *label,
                                   enum decision decision)
{
    return (struct audit_event){
        .event = event,
        .id = record->id,
        .client = record->client->peer,
        .mode = record->client->mode,
        .operation = label,
        .decision = decision,
        .rule = record->rule ? record->rule->match : NULL,
        .reason = recorded_reason(record),
        .interrupted = record->interrupted,
        .retried = record->retried,
        .status = record->status,
        .bytes_up = record->bytes_up,
        .bytes_down = record->bytes_down,
        .duration_ms = duration_of(record),
        .source = record->source,
        .token = record->token,
        .github_request_id = bytes_of_string(record->github_request_id ? record->github_request_id : ""),
        .room = record->room,
    };
}

static void write_event(const struct record *record, const struct audit_event *event)
{
    audit_write(event, clock_wall(loop_clock(record->client->loop)));
}

// A refusal of ours is "deny", also where it was only recorded; what failed on the way is not.
static enum decision recorded_decision(const struct record *record)
{
    if (record->would_deny != REASON_NONE || reason_is_refusal(record->reason))
        return DECISION_DENY;
    return record->decision;
}

static const char *recorded_host(const struct record *record, const struct request *request)
{
    if (request->host && (record->client->mode == AUDIT_GATEWAY || !git_host_is_github(request->host->git)))
        return request->host->git->web;
    return record->client->host.text;
}

// The ref of an LFS request that writes, which counts as a push: "" where it names none. NULL: it is no such request.
static const char *recorded_lfs_ref(const struct request *request, const struct body_gate *gate)
{
    const struct operation_traits *traits = operation_traits(request->operation.kind);
    const struct lfs_body *body = gate ? body_gate_lfs(gate) : NULL;

    if (traits->form != FORM_LFS || !(traits->writes || (body && body->upload)))
        return NULL;
    return body && body->ref ? body->ref : "";
}

bool record_is_write(const struct request *request, const struct body_gate *gate)
{
    const struct operation *operation = &request->operation;

    return (!operation->reads && !operation_traits(operation->kind)->repeatable) || recorded_lfs_ref(request, gate);
}

static const char *request_label(const struct request *request)
{
    if (request->is_http && request->head.method == METHOD_CONNECT)
        return operation_label_name(LABEL_TUNNEL);
    return operation_label_name(operation_label(request->operation.kind));
}

// What an API call or a page asks for; of git and Git LFS the operation and the repository say all.
static void add_call(struct audit_event *event, const struct record *record, const struct request *request)
{
    enum operation_kind kind = request->operation.kind;

    if (kind == OPERATION_UNKNOWN || (operation_label(kind) != LABEL_API && operation_label(kind) != LABEL_OTHER))
        return;
    event->method = request->head.method_name;
    event->path = request->target.path;
    event->needs = bytes_of_string(record->needs);
}

void record_request(const struct record *record, const struct request *request, const struct body_gate *gate)
{
    const char *label = request_label(request);
    enum decision decision = recorded_decision(record);
    struct audit_event event = event_of(record, "request", label, decision);

    event.host = recorded_host(record, request);
    event.repository = &request->operation.repository;
    if (request->host && !git_host_is_github(request->host->git))
        event.host_type = git_host_type_words[request->host->git->type];
    event.repository_path = request->operation.path;
    event.push = gate ? body_gate_push(gate) : NULL;
    event.lfs_ref = recorded_lfs_ref(request, gate);
    add_call(&event, record, request);
    if (request->is_http)
        event.user_agent = head_value(&request->head, FIELD_USER_AGENT);
    count_record(record, label, decision);
    metrics_observe(record->client->metrics, METRIC_REQUEST_DURATION, METRIC_LABELS(label),
                    (double)event.duration_ms / SECOND_MS);
    write_event(record, &event);
}

void record_describe(const struct record *record, const struct request *request, bool more, struct text *text)
{
    char name[OPERATION_REPOSITORY_SIZE];
    struct bytes repository = operation_repository(&request->operation, name);

    text_format(text, "%s{\"id\":\"%s\",\"client\":\"%s\",\"operation\":\"%s\",\"host\":", more ? "," : "", record->id,
                record->client->peer, request_label(request));
    text_append_json_string(text, bytes_of_string(recorded_host(record, request)));
    if (repository.size > 0)
        text_format(text, ",\"repository\":\"%.*s\"", (int)repository.size, repository.data);
    text_format(text, ",\"bytes_up\":%llu,\"bytes_down\":%llu,\"duration_ms\":%lld}",
                (unsigned long long)record->bytes_up, (unsigned long long)record->bytes_down,
                (long long)duration_of(record));
}

void record_tunnel(const struct record *record, const char *host)
{
    const char *label = operation_label_name(LABEL_TUNNEL);
    struct audit_event event = event_of(record, "tunnel", label, record->decision);

    event.host = host;
    count_record(record, label, record->decision);
    write_event(record, &event);
}
