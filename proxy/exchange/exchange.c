#include "exchange.h"

#include "exchange_answer.h"
#include "exchange_github.h"
#include "exchange_lfs.h"
#include "exchange_silence.h"
#include "exchange_state.h"
#include "log.h"
#include "stream.h"

void exchange_abort(struct exchange *exchange, enum reason reason)
{
    if (exchange->recorded)
        log_info("exchange", "request %s: what was left of its body was not read to the end: %s", exchange->request.id,
                 reason_row(reason)->code);
    else if (exchange->verdict.reason == REASON_NONE)
        verdict_set(&exchange->verdict, reason, NULL);
    else
        exchange->interrupted = reason;
    exchange_state_record(exchange);
    exchange_state_leave(exchange);
}

bool exchange_may_be_followed(const struct exchange *exchange, int64_t answered_ms)
{
    const struct operation_traits *traits = operation_traits(exchange->request.operation.kind);

    if (traits->git && traits->writes && !traits->advertisement)
        return false;
    return exchange_state_status(exchange) == 0 ||
           loop_now(exchange->client->loop).ms - exchange->entered.ms < answered_ms;
}

void exchange_describe(const struct exchange *exchange, bool more, struct text *text)
{
    struct record record = exchange_state_as_record(exchange);

    record_describe(&record, &exchange->request, more, text);
}

// The way to GitHub.

// Where the body could not go on, ends the request.
static void end_early(struct exchange *exchange, enum upload_result result)
{
    if (result == UPLOAD_REFUSED)
        exchange_answer_refuse(exchange, &exchange->upload.verdict);
    else if (result == UPLOAD_GONE)
        exchange_state_close_client(exchange, REASON_CLIENT_GONE);
}

static void send_body(struct exchange *exchange)
{
    end_early(exchange, upload_send(&exchange->upload, attempt_stream(&exchange->attempt)));
}

static void exchange_ask_token(struct exchange *exchange)
{
    struct judgement *judgement = &exchange->judgement;

    attempt_ask_token(&exchange->attempt, judgement_wants_token(judgement) ? &judgement->decision.scope : NULL);
}

static void send_when_ready(struct exchange *exchange)
{
    struct attempt *attempt = &exchange->attempt;

    if (exchange->upload.state != UPLOAD_WAITS || !attempt_is_ready(attempt))
        return;
    if (judgement_of_token(&exchange->judgement, attempt->token) == JUDGEMENT_REFUSED) {
        exchange_answer_refuse(exchange, &exchange->judgement.refusal);
        return;
    }
    if (!exchange_state_keep_record_room(exchange)) {
        exchange_answer_refuse_for(exchange, REASON_AUDIT_FULL, NULL);
        return;
    }
    if (!attempt_send_head(attempt)) {
        exchange_answer_refuse_for(exchange, REASON_HEADER_TOO_LARGE, NULL);
        return;
    }
    exchange_state_enter(exchange, EXCHANGE_SENDS);
    exchange_state_note_movement(exchange);
    upload_start_sending(&exchange->upload);
    send_body(exchange);
}

static void exchange_prepare(struct exchange *exchange)
{
    exchange_ask_token(exchange);
    attempt_ask_connection(&exchange->attempt);
    send_when_ready(exchange);
}

static void on_gated(struct exchange *exchange)
{
    struct judgement *judgement = &exchange->judgement;
    struct upload *upload = &exchange->upload;

    if (body_gate_is_probe(upload->gate)) {
        exchange_answer_begin(exchange, OWN_ANSWER_PROBE);
        return;
    }
    if (judgement_of_body(judgement, upload->gate) == JUDGEMENT_REFUSED)
        exchange_answer_refuse(exchange, &judgement->refusal);
    else if (body_gate_kind(upload->gate) == GATE_PUSH && judgement->decision.rule &&
             !upload_limit_pack(upload, judgement->decision.rule->max_pack))
        exchange_answer_refuse(exchange, &upload->verdict);
    else
        exchange_prepare(exchange);
}

// Gives the gate what there is of the body.
static void inspect_body(struct exchange *exchange)
{
    enum upload_result result = upload_inspect(&exchange->upload);

    if (result == UPLOAD_GATED)
        on_gated(exchange);
    else
        end_early(exchange, result);
}

// The pack is larger than `max_pack`. True: it goes on, since rules are not enforced.
static bool on_pack_over(void *arg, const struct verdict *verdict)
{
    struct exchange *exchange = arg;

    return !judgement_refuse_or_note(&exchange->judgement, verdict);
}

// The head is allowed. For git the token is asked for while the body is still read.
static void begin_request(struct exchange *exchange)
{
    struct kept_answer kept = exchange_state_kept_answer(exchange);
    struct bytes advertisement = kept_answer_find(&kept);

    if (advertisement.size > 0) {
        text_append_bytes(&exchange->own_answer.body, advertisement);
        exchange_answer_begin(exchange, OWN_ANSWER_KEPT);
    } else if (upload_open_gate(&exchange->upload)) {
        if (operation_traits(exchange->request.operation.kind)->token_at_once)
            exchange_ask_token(exchange);
        inspect_body(exchange);
    } else {
        exchange_prepare(exchange);
    }
}

static void on_judged(void *arg, enum judgement_result result)
{
    struct exchange *exchange = arg;
    const struct judgement *judgement = &exchange->judgement;

    if (result == JUDGEMENT_LATER)
        return;
    if (result == JUDGEMENT_REFUSED)
        exchange_answer_refuse(exchange, &judgement->refusal);
    else
        begin_request(exchange);
}

// GitHub's answer.

static void on_github_input(void *arg)
{
    struct exchange *exchange = arg;

    exchange_state_note_movement(exchange);
    if (exchange->phase == EXCHANGE_QUOTES)
        exchange_github_read_quote(exchange);
    else if (exchange->phase == EXCHANGE_CLEANS)
        exchange_lfs_read(exchange);
    else if (exchange->phase == EXCHANGE_PASSES)
        exchange_github_pass(exchange);
}

static void on_github_output(void *arg)
{
    struct exchange *exchange = arg;

    exchange_state_note_movement(exchange);
    if (exchange->upload.state == UPLOAD_SENDS)
        send_body(exchange);
}

static bool on_is_whole(void *arg)
{
    const struct exchange *exchange = arg;

    return upload_is_whole(&exchange->upload);
}

static void on_exchange_ready(void *arg)
{
    send_when_ready(arg);
}

static void on_exchange_again(void *arg, const struct retry *retry)
{
    struct exchange *exchange = arg;

    log_debug("exchange", "request %s: asks GitHub again after %lld ms: %s", exchange->request.id,
              (long long)retry->pause_ms, retry->why);
    if (exchange_state_is_git(exchange))
        kept_answer_forget(exchange->runtime, &exchange->request.operation);
    upload_wait(&exchange->upload);
    exchange_state_enter(exchange, EXCHANGE_PREPARES);
}

static void on_exchange_failed(void *arg, const struct verdict *verdict)
{
    struct exchange *exchange = arg;

    struct judgement *judgement = &exchange->judgement;

    if (judgement_waives_rules(judgement, verdict) || judgement_does_without_token(judgement, verdict)) {
        exchange_ask_token(exchange);
        send_when_ready(exchange);
    } else if (judgement->without_token && verdict->reason == REASON_GITHUB_ANONYMOUS) {
        exchange_github_refuse_without_token(exchange);
    } else {
        exchange_answer_refuse(exchange, verdict);
    }
}

static void on_head(void *arg)
{
    exchange_github_head(arg);
}

static const struct attempt_callbacks attempt_callbacks = {
    .is_whole = on_is_whole,
    .ready = on_exchange_ready,
    .again = on_exchange_again,
    .head = on_head,
    .input = on_github_input,
    .output = on_github_output,
    .failed = on_exchange_failed,
};

// The client.

void exchange_client_input(struct exchange *exchange)
{
    struct client *client = exchange->client;

    exchange_state_note_movement(exchange);
    switch (exchange->upload.state) {
    case UPLOAD_INSPECTS:
        inspect_body(exchange);
        break;
    case UPLOAD_SENDS:
        send_body(exchange);
        return; // it has seen the end of the input
    case UPLOAD_DRAINS:
        exchange_answer_drain(exchange);
        return;
    case UPLOAD_WAITS:
    case UPLOAD_SENT:
    case UPLOAD_ENDED:
        break;
    }
    // Nobody is there any more to whom an answer could go. An orderly end alone may be half a close.
    if (client->exchange == exchange && stream_end(client->stream) == STREAM_FAILED)
        exchange_state_close_client(exchange, REASON_CLIENT_GONE);
}

void exchange_client_output(struct exchange *exchange)
{
    exchange_state_note_movement(exchange);
    if (exchange->phase == EXCHANGE_PASSES)
        exchange_github_pass(exchange);
    else if (exchange->phase == EXCHANGE_ANSWERS && exchange->upload.state == UPLOAD_ENDED)
        exchange_answer_send(exchange);
}

// The beginning.

static struct exchange *new_exchange(struct client *client)
{
    struct exchange *exchange = exchange_state_new(client);
    struct runtime *runtime = exchange->runtime;

    request_init(&exchange->request, client->ids);
    judgement_init(&exchange->judgement, &exchange->request, runtime, on_judged, exchange);
    upload_init(&exchange->upload, &exchange->request, client->stream, &exchange->budget, on_pack_over, exchange);
    attempt_init(&exchange->attempt, &exchange->request, runtime, client->loop, &attempt_callbacks, exchange);
    download_init(&exchange->download);
    own_answer_init(&exchange->own_answer);
    exchange_silence_watch(exchange);
    return exchange;
}

// Takes the head off the client's input, so that its views do not move.
static void exchange_take_head(struct exchange *exchange, const struct head *head)
{
    struct stream *client = exchange->client->stream;

    request_take_head(&exchange->request, head, stream_input(client).data);
    stream_consume(client, exchange->request.head.size);
    exchange->client_closes = !exchange->request.head.keep_alive;
    upload_begin(&exchange->upload);
}

void exchange_start(struct client *client, const struct head *head)
{
    struct exchange *exchange = new_exchange(client);
    struct verdict verdict;

    exchange_take_head(exchange, head);
    if (request_find_operation(&exchange->request, client, exchange->runtime, &verdict))
        on_judged(exchange, judgement_of_head(&exchange->judgement));
    else
        exchange_answer_refuse(exchange, &verdict);
}

void exchange_start_refused(struct client *client, const struct head *head, const struct verdict *verdict)
{
    struct exchange *exchange = new_exchange(client);

    if (head)
        exchange_take_head(exchange, head);
    else
        exchange->client_closes = true;
    exchange_answer_refuse(exchange, verdict);
}
