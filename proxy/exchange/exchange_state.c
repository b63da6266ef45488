#include "exchange_state.h"

#include "audit.h"
#include "log.h"
#include "mem.h"
#include "stream.h"

// A finished exchange is kept for the next request, so that a kept-alive connection allocates nothing.
#define SPARE_EXCHANGES_MAX 64

// How long the rest of a request is drained after GitHub's answer: 300 MiB at 5 MiB a second.
#define DRAIN_AFTER_ANSWER_MS (1 * MINUTE_MS)

static struct exchange *spare_exchanges[SPARE_EXCHANGES_MAX];
static size_t spare_exchange_count;

static void on_exchange_release(void *arg)
{
    struct exchange *exchange = arg;

    attempt_clear(&exchange->attempt);
    upload_clear(&exchange->upload);
    judgement_clear(&exchange->judgement);
    download_clear(&exchange->download);
    own_answer_clear(&exchange->own_answer);
    request_clear(&exchange->request);
    budget_keep(&exchange->budget, 0);
    runtime_unref(exchange->runtime);
    if (spare_exchange_count < SPARE_EXCHANGES_MAX)
        spare_exchanges[spare_exchange_count++] = exchange;
    else
        mem_free(exchange);
}

struct exchange *exchange_state_new(struct client *client)
{
    struct exchange *exchange =
        spare_exchange_count > 0 ? spare_exchanges[--spare_exchange_count] : mem_alloc(sizeof(*exchange));

    exchange->client = client;
    exchange->runtime = runtime_ref(client->runtime);
    exchange->phase = EXCHANGE_PREPARES;
    exchange->client_closes = false;
    exchange->recorded = false;
    exchange->record_room = 0;
    exchange->budget = (struct budget_share){0};
    exchange->verdict.reason = exchange->interrupted = REASON_NONE;
    exchange->started = exchange->moved = loop_now(client->loop);
    deferred_init(&exchange->release, on_exchange_release, exchange);
    client->exchange = exchange;
    return exchange;
}

void exchange_state_enter(struct exchange *exchange, enum exchange_phase phase)
{
    static const char *const names[] = {
        "prepares to ask GitHub",    "sends the request to GitHub", "reads GitHub's error", "reads what it must clean",
        "passes GitHub's answer on", "answers by itself",           "has answered",
    };

    exchange->phase = phase;
    exchange->entered = loop_now(exchange->client->loop);
    log_debug("exchange", "request %s: %s", exchange->request.id, names[phase]);
}

void exchange_state_note_movement(struct exchange *exchange)
{
    exchange->moved = loop_now(exchange->client->loop);
}

bool exchange_state_is_git(const struct exchange *exchange)
{
    return operation_traits(exchange->request.operation.kind)->git;
}

int exchange_state_status(const struct exchange *exchange)
{
    return exchange->download.head_passed ? exchange->attempt.answer.status : exchange->own_answer.status;
}

struct kept_answer exchange_state_kept_answer(const struct exchange *exchange)
{
    return (struct kept_answer){
        .runtime = exchange->runtime,
        .request = &exchange->request,
        .anonymous = !judgement_wants_token(&exchange->judgement),
        .outside_grant = exchange->judgement.outside_grant != NULL,
    };
}

struct record exchange_state_as_record(const struct exchange *exchange)
{
    const struct judgement *judgement = &exchange->judgement;
    const struct attempt *attempt = &exchange->attempt;

    return (struct record){
        .client = exchange->client,
        .id = exchange->request.id,
        .started = exchange->started,
        .decision = judgement->decision.decision,
        .reason = exchange->verdict.reason,
        .interrupted = exchange->interrupted,
        .retried = attempt->retried,
        .would_deny = judgement->would_deny.reason,
        .rule = judgement->refusing_rule ? judgement->refusing_rule : judgement->decision.rule,
        .status = exchange_state_status(exchange),
        .bytes_up = exchange->upload.bytes,
        .bytes_down = exchange->download.bytes + exchange->own_answer.sent,
        .source = attempt->token ? source_id_name(attempt->token->source) : NULL,
        .token = attempt->token ? attempt->token->fingerprint : NULL,
        .github_request_id = attempt->github_request_id,
        .needs = attempt->needs,
        .room = exchange->record_room,
    };
}

void exchange_state_record(struct exchange *exchange)
{
    struct record record = exchange_state_as_record(exchange);

    if (exchange->recorded)
        return;
    exchange->recorded = true;
    log_debug("exchange", "request %s: ends with status %d, reason %s", record.id, record.status,
              record.reason == REASON_NONE ? "none" : reason_row(record.reason)->code);
    record_request(&record, &exchange->request, exchange->upload.gate);
}

bool exchange_state_keep_record_room(struct exchange *exchange)
{
    const struct body_gate *gate = exchange->upload.gate;

    if (exchange->record_room == 0 && record_is_write(&exchange->request, gate))
        exchange->record_room = audit_keep_room(gate ? body_gate_push(gate) : NULL);
    else
        return true;
    return exchange->record_room > 0;
}

void exchange_state_limit_drain(struct exchange *exchange)
{
    int64_t idle_ms = exchange->runtime->config->limits.idle_ms;

    timer_start(&exchange->idle, idle_ms < DRAIN_AFTER_ANSWER_MS ? idle_ms : DRAIN_AFTER_ANSWER_MS);
}

void exchange_state_close_client(struct exchange *exchange, enum reason reason)
{
    exchange->client->callbacks->close(exchange->client->arg, reason);
}

void exchange_state_leave(struct exchange *exchange)
{
    judgement_stop(&exchange->judgement);
    attempt_end(&exchange->attempt, false);
    timer_stop(&exchange->idle);
    exchange->client->exchange = NULL;
    loop_defer(exchange->client->loop, &exchange->release);
}

void exchange_state_finish(struct exchange *exchange)
{
    struct client *client = exchange->client;
    bool keep_alive = !exchange->client_closes && upload_is_at_end(&exchange->upload);

    exchange_state_record(exchange);
    exchange_state_leave(exchange);
    client->callbacks->exchange_done(client->arg, keep_alive);
}
