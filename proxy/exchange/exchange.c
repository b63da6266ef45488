#include "exchange.h"

#include "attempt.h"
#include "audit.h"
#include "config.h"
#include "download.h"
#include "github_refusal.h"
#include "judgement.h"
#include "kept_answer.h"
#include "log.h"
#include "loop.h"
#include "mem.h"
#include "own_answer.h"
#include "record.h"
#include "request.h"
#include "runtime.h"
#include "stream.h"
#include "upload.h"

// What the exchange does for the client.
enum exchange_phase {
    EXCHANGE_PREPARES, // the request is judged, its body read by the gate, a try at GitHub prepared
    EXCHANGE_SENDS,    // it goes to GitHub, whose answer is awaited
    EXCHANGE_QUOTES,   // GitHub's error is read, to be quoted
    EXCHANGE_PASSES,   // GitHub's answer goes to the client
    EXCHANGE_ANSWERS,  // an answer of our own goes to the client
    EXCHANGE_DONE,     // the client has its answer
};

struct exchange {
    struct client *client;
    struct runtime *runtime; // a reference: the configuration that decides
    enum exchange_phase phase;
    bool client_closes; // the client's connection ends with this exchange
    bool recorded;      // once: its metrics and its event
    size_t record_room; // in the log, kept for the event of a write; 0: none
    struct mono started;
    struct mono moved; // when a byte last moved
    struct timer idle;
    struct deferred release; // it is freed from the loop: whoever called still looks at it
    // The parts, 19 KiB, each of which clears what must be clear for a new request: to clear it all would cost more than to
    // parse a request.
    struct request request;
    struct judgement judgement;
    struct upload upload;
    struct attempt attempt;
    struct download download;
    struct own_answer own_answer;
    struct verdict verdict; // why it was refused or failed; REASON_NONE: it was not
};

// A finished exchange is kept for the next request, so that a kept-alive connection allocates nothing.
#define SPARE_EXCHANGES_MAX 64

static struct exchange *spare_exchanges[SPARE_EXCHANGES_MAX];
static size_t spare_exchange_count;

static void take_upload(struct exchange *exchange, enum upload_result result);

static void enter_phase(struct exchange *exchange, enum exchange_phase phase)
{
    static const char *const names[] = {
        "prepares to ask GitHub",    "sends the request to GitHub", "reads GitHub's error",
        "passes GitHub's answer on", "answers by itself",           "has answered",
    };

    exchange->phase = phase;
    log_debug("exchange", "request %s: %s", exchange->request.id, names[phase]);
}

static void note_movement(struct exchange *exchange)
{
    exchange->moved = loop_now(exchange->client->loop);
}

static void close_client(struct exchange *exchange, enum reason reason)
{
    exchange->client->callbacks->close(exchange->client->arg, reason);
}

static bool is_git(const struct exchange *exchange)
{
    return operation_traits(exchange->request.operation.kind)->git;
}

// The status that the client was sent; 0: none yet.
static int sent_status(const struct exchange *exchange)
{
    return exchange->download.head_passed ? exchange->attempt.answer.status : exchange->own_answer.status;
}

// The end.

static struct record record_of(const struct exchange *exchange)
{
    const struct judgement *judgement = &exchange->judgement;
    const struct attempt *attempt = &exchange->attempt;

    return (struct record){
        .client = exchange->client,
        .id = exchange->request.id,
        .started = exchange->started,
        .decision = judgement->decision.decision,
        .reason = exchange->verdict.reason,
        .would_deny = judgement->would_deny.reason,
        .rule = judgement->refusing_rule ? judgement->refusing_rule : judgement->decision.rule,
        .status = sent_status(exchange),
        .bytes_up = exchange->upload.bytes,
        .bytes_down = exchange->download.bytes + exchange->own_answer.sent,
        .source = attempt->token ? source_id_name(attempt->token->source) : NULL,
        .token = attempt->token ? attempt->token->fingerprint : NULL,
        .github_request_id = attempt->github_request_id,
        .room = exchange->record_room,
    };
}

static void record_exchange(struct exchange *exchange)
{
    struct record record = record_of(exchange);

    if (exchange->recorded)
        return;
    exchange->recorded = true;
    log_debug("exchange", "request %s: ends with status %d, reason %s", record.id, record.status,
              record.reason == REASON_NONE ? "none" : reason_row(record.reason)->code);
    record_request(&record, &exchange->request, exchange->upload.gate);
}

static void on_exchange_release(void *arg)
{
    struct exchange *exchange = arg;

    attempt_clear(&exchange->attempt);
    upload_clear(&exchange->upload);
    judgement_clear(&exchange->judgement);
    download_clear(&exchange->download);
    own_answer_clear(&exchange->own_answer);
    request_clear(&exchange->request);
    runtime_unref(exchange->runtime);
    if (spare_exchange_count < SPARE_EXCHANGES_MAX)
        spare_exchanges[spare_exchange_count++] = exchange;
    else
        mem_free(exchange);
}

// Leaves the client; nothing comes to it any more.
static void leave_client(struct exchange *exchange)
{
    judgement_stop(&exchange->judgement);
    attempt_end(&exchange->attempt, false);
    timer_stop(&exchange->idle);
    exchange->client->exchange = NULL;
    loop_defer(exchange->client->loop, &exchange->release);
}

// Both directions are done: the client's next request has its turn.
static void finish_exchange(struct exchange *exchange)
{
    struct client *client = exchange->client;
    bool keep_alive = !exchange->client_closes && upload_is_at_end(&exchange->upload);

    record_exchange(exchange);
    leave_client(exchange);
    client->callbacks->exchange_done(client->arg, keep_alive);
}

void exchange_abort(struct exchange *exchange, enum reason reason)
{
    if (exchange->verdict.reason == REASON_NONE)
        verdict_set(&exchange->verdict, reason, NULL);
    record_exchange(exchange);
    leave_client(exchange);
}

void exchange_describe(const struct exchange *exchange, bool more, struct text *text)
{
    struct record record = record_of(exchange);

    record_describe(&record, &exchange->request, more, text);
}

// Answers of our own.

static void send_own_answer(struct exchange *exchange)
{
    struct own_answer_context context = {
        .client = exchange->client,
        .request = &exchange->request,
        .verdict = &exchange->verdict,
        .gate = exchange->upload.gate,
        .push = &exchange->judgement.push,
    };

    if (!upload_is_at_end(&exchange->upload))
        exchange->client_closes = true;
    context.close = exchange->client_closes;
    switch (own_answer_send(&exchange->own_answer, &context)) {
    case OWN_ANSWER_MORE:
        break;
    case OWN_ANSWER_SENT:
        finish_exchange(exchange);
        break;
    case OWN_ANSWER_TOO_LARGE:
        close_client(exchange, REASON_INTERNAL);
        break;
    }
}

// The request goes no further; what is left of its body may have to be drained before the answer.
static void begin_own_answer(struct exchange *exchange, enum own_answer_kind kind)
{
    judgement_stop(&exchange->judgement);
    attempt_end(&exchange->attempt, false);
    exchange->own_answer.kind = kind;
    enter_phase(exchange, EXCHANGE_ANSWERS);
    if (upload_stop(&exchange->upload))
        take_upload(exchange, upload_drain(&exchange->upload));
    else
        send_own_answer(exchange);
}

static void refuse(struct exchange *exchange, const struct verdict *verdict)
{
    exchange->verdict = *verdict;
    log_debug("exchange", "request %s: %s: %s", exchange->request.id, reason_row(verdict->reason)->code,
              verdict->sentence);
    if (exchange->request.operation.kind == OPERATION_FETCH)
        kept_answer_forget(exchange->runtime, &exchange->request.operation);
    if (sent_status(exchange) != 0)
        close_client(exchange, verdict->reason);
    else
        begin_own_answer(exchange, OWN_ANSWER_VERDICT);
}

static void refuse_for(struct exchange *exchange, enum reason reason, const char *sentence)
{
    struct verdict verdict;

    if (sentence)
        verdict_set(&verdict, reason, "%s", sentence);
    else
        verdict_set(&verdict, reason, NULL);
    refuse(exchange, &verdict);
}

static void refuse_with_quote(struct exchange *exchange)
{
    struct verdict verdict;

    quote_verdict(&exchange->download.quote, &verdict);
    refuse(exchange, &verdict);
}

// The way to GitHub.

static void ask_token(struct exchange *exchange)
{
    struct judgement *judgement = &exchange->judgement;

    attempt_ask_token(&exchange->attempt, judgement_wants_token(judgement) ? &judgement->decision.scope : NULL);
}

// A write that could not be recorded is not done. Keeps room in the log for its event; false: there is none.
static bool keep_record_room(struct exchange *exchange)
{
    const struct body_gate *gate = exchange->upload.gate;

    if (exchange->record_room == 0 && record_is_write(&exchange->request, gate))
        exchange->record_room = audit_keep_room(gate ? body_gate_push(gate) : NULL);
    else
        return true;
    return exchange->record_room > 0;
}

static void send_when_ready(struct exchange *exchange)
{
    struct attempt *attempt = &exchange->attempt;

    if (exchange->upload.state != UPLOAD_WAITS || !attempt_is_ready(attempt))
        return;
    if (judgement_of_token(&exchange->judgement, attempt->token) == JUDGEMENT_REFUSED) {
        refuse(exchange, &exchange->judgement.refusal);
        return;
    }
    if (!keep_record_room(exchange)) {
        refuse_for(exchange, REASON_AUDIT_FULL, NULL);
        return;
    }
    if (!attempt_send_head(attempt)) {
        refuse_for(exchange, REASON_HEADER_TOO_LARGE, NULL);
        return;
    }
    enter_phase(exchange, EXCHANGE_SENDS);
    note_movement(exchange);
    upload_start_sending(&exchange->upload);
    take_upload(exchange, upload_send(&exchange->upload, attempt_stream(attempt)));
}

static void prepare(struct exchange *exchange)
{
    ask_token(exchange);
    attempt_ask_connection(&exchange->attempt);
    send_when_ready(exchange);
}

static void on_gated(struct exchange *exchange)
{
    struct judgement *judgement = &exchange->judgement;
    struct upload *upload = &exchange->upload;

    if (body_gate_is_probe(upload->gate)) {
        begin_own_answer(exchange, OWN_ANSWER_PROBE);
        return;
    }
    if (judgement_of_body(judgement, upload->gate) == JUDGEMENT_REFUSED)
        refuse(exchange, &judgement->refusal);
    else if (body_gate_kind(upload->gate) == GATE_PUSH && judgement->decision.rule &&
             !upload_limit_pack(upload, judgement->decision.rule->max_pack))
        refuse(exchange, &upload->verdict);
    else
        prepare(exchange);
}

static void take_upload(struct exchange *exchange, enum upload_result result)
{
    switch (result) {
    case UPLOAD_MORE:
    case UPLOAD_DONE:
        break;
    case UPLOAD_GATED:
        on_gated(exchange);
        break;
    case UPLOAD_DRAINED:
        if (exchange->phase == EXCHANGE_DONE)
            finish_exchange(exchange);
        else
            send_own_answer(exchange);
        break;
    case UPLOAD_REFUSED:
        refuse(exchange, &exchange->upload.verdict);
        break;
    case UPLOAD_GONE:
        close_client(exchange, REASON_CLIENT_GONE);
        break;
    }
}

// The pack is larger than `max_pack`. True: it goes on, since rules are not enforced.
static bool on_pack_over(void *arg, const struct verdict *verdict)
{
    struct exchange *exchange = arg;

    return !judgement_refuse_or_note(&exchange->judgement, verdict);
}

static struct kept_answer kept_answer_of(const struct exchange *exchange)
{
    return (struct kept_answer){
        .runtime = exchange->runtime,
        .request = &exchange->request,
        .anonymous = !judgement_wants_token(&exchange->judgement),
        .outside_grant = exchange->judgement.outside_grant != NULL,
    };
}

// The head is allowed. For git the token is asked for while the body is still read.
static void begin_request(struct exchange *exchange)
{
    struct kept_answer kept = kept_answer_of(exchange);
    struct bytes advertisement = kept_answer_find(&kept);

    if (advertisement.size > 0) {
        text_append_bytes(&exchange->own_answer.body, advertisement);
        begin_own_answer(exchange, OWN_ANSWER_KEPT);
    } else if (upload_open_gate(&exchange->upload)) {
        if (operation_traits(exchange->request.operation.kind)->token_at_once)
            ask_token(exchange);
        take_upload(exchange, upload_inspect(&exchange->upload));
    } else {
        prepare(exchange);
    }
}

static void on_judged(void *arg, enum judgement_result result)
{
    struct exchange *exchange = arg;
    const struct judgement *judgement = &exchange->judgement;

    if (result == JUDGEMENT_LATER)
        return;
    if (result == JUDGEMENT_REFUSED)
        refuse(exchange, &judgement->refusal);
    else
        begin_request(exchange);
}

// GitHub's answer.

static void on_answer_passed(struct exchange *exchange)
{
    struct download *download = &exchange->download;
    bool sent = exchange->upload.state == UPLOAD_SENT;
    struct kept_answer kept = kept_answer_of(exchange);

    if (download->copy_max > 0)
        kept_answer_take(&kept, download->answer, text_bytes(&download->copy));
    enter_phase(exchange, EXCHANGE_DONE);
    attempt_end(&exchange->attempt, sent && download_keeps_upstream(download));
    stream_flush(exchange->client->stream);
    // What GitHub did not want to read of the request is not sent, but git must get rid of it: where its connection breaks
    // meanwhile, it shows nothing of the answer.
    if (!sent && upload_stop(&exchange->upload)) {
        // What GitHub has done is on record before anything else is waited for: a client that sends its rest byte by byte, or
        // the end of this process, must not cost the event of a push.
        record_exchange(exchange);
        take_upload(exchange, upload_drain(&exchange->upload));
    } else {
        finish_exchange(exchange);
    }
}

static void pass_answer(struct exchange *exchange)
{
    switch (
        download_run(&exchange->download, attempt_stream(&exchange->attempt), exchange->client, &exchange->request)) {
    case DOWNLOAD_MORE:
        break;
    case DOWNLOAD_DONE:
        on_answer_passed(exchange);
        break;
    case DOWNLOAD_LOST:
        close_client(exchange, REASON_UPSTREAM_LOST);
        break;
    case DOWNLOAD_MALFORMED:
        close_client(exchange, REASON_UPSTREAM_PROTOCOL);
        break;
    case DOWNLOAD_TOO_LARGE:
        refuse_for(exchange, REASON_UPSTREAM_PROTOCOL, "the head of GitHub's answer is too large");
        break;
    }
}

static void read_quote(struct exchange *exchange)
{
    if (download_read_quote(&exchange->download, attempt_stream(&exchange->attempt)) != DOWNLOAD_MORE)
        refuse_with_quote(exchange);
}

// The repository has moved: git follows a redirect of its first request alone (http.followRedirects), and that one may
// have been answered with what was kept.
static void refuse_moved(struct exchange *exchange)
{
    const struct head *answer = &exchange->attempt.answer;
    struct bytes location = head_value(answer, FIELD_LOCATION);
    struct verdict verdict;

    if (bytes_end_with(location, BYTES("/git-upload-pack")))
        location.size -= BYTES("/git-upload-pack").size;
    verdict_set(&verdict, REASON_RENAMED, "GitHub answered %d: the repository is now at %.*s", answer->status,
                (int)location.size, location.data);
    refuse(exchange, &verdict);
}

// GitHub does not show the repository to strangers, and no token could be had: the reason is what helps.
static void refuse_without_token(struct exchange *exchange)
{
    struct verdict verdict = *exchange->judgement.without_token;

    verdict.status = 404;
    refuse(exchange, &verdict);
}

// GitHub's answer has begun: it is passed on, or quoted.
static void on_github_head(void *arg)
{
    struct exchange *exchange = arg;
    const struct head *answer = &exchange->attempt.answer;
    struct kept_answer kept = kept_answer_of(exchange);
    bool unfinished = exchange->upload.state != UPLOAD_SENT && answer->status >= 300;

    note_movement(exchange);
    if (is_git(exchange) && answer->status >= 300)
        kept_answer_forget(exchange->runtime, &exchange->request.operation);
    if (exchange->request.operation.kind == OPERATION_FETCH && answer->status >= 300 && answer->status < 400) {
        refuse_moved(exchange);
    } else if (exchange->judgement.without_token && answer->status == 404) {
        refuse_without_token(exchange);
    } else if (is_git(exchange) && answer->status >= 400) {
        enter_phase(exchange, EXCHANGE_QUOTES);
        download_begin_quote(&exchange->download, attempt_stream(&exchange->attempt), answer, &exchange->request,
                             clock_wall(loop_clock(exchange->client->loop)));
        read_quote(exchange);
    } else {
        exchange->verdict.reason = github_refusal_recorded(answer, exchange->attempt.token);
        enter_phase(exchange, EXCHANGE_PASSES);
        download_begin(&exchange->download, answer, &exchange->request, exchange->client_closes || unfinished,
                       kept_answer_copy_size(&kept, answer));
        exchange->client_closes = exchange->download.close;
        pass_answer(exchange);
    }
}

static void on_github_input(void *arg)
{
    struct exchange *exchange = arg;

    note_movement(exchange);
    if (exchange->phase == EXCHANGE_QUOTES)
        read_quote(exchange);
    else if (exchange->phase == EXCHANGE_PASSES)
        pass_answer(exchange);
}

static void on_github_output(void *arg)
{
    struct exchange *exchange = arg;

    note_movement(exchange);
    if (exchange->upload.state == UPLOAD_SENDS)
        take_upload(exchange, upload_send(&exchange->upload, attempt_stream(&exchange->attempt)));
}

static bool on_is_whole(void *arg)
{
    const struct exchange *exchange = arg;

    return upload_is_whole(&exchange->upload);
}

static void on_ready(void *arg)
{
    send_when_ready(arg);
}

static void on_again(void *arg, const struct retry *retry)
{
    struct exchange *exchange = arg;

    log_debug("exchange", "request %s: asks GitHub again after %lld ms: %s", exchange->request.id,
              (long long)retry->pause_ms, retry->why);
    if (is_git(exchange))
        kept_answer_forget(exchange->runtime, &exchange->request.operation);
    upload_wait(&exchange->upload);
    enter_phase(exchange, EXCHANGE_PREPARES);
}

static void on_failed(void *arg, const struct verdict *verdict)
{
    struct exchange *exchange = arg;

    struct judgement *judgement = &exchange->judgement;

    if (judgement_waives_rules(judgement, verdict) || judgement_does_without_token(judgement, verdict)) {
        ask_token(exchange);
        send_when_ready(exchange);
    } else if (judgement->without_token && verdict->reason == REASON_GITHUB_ANONYMOUS) {
        refuse_without_token(exchange);
    } else {
        refuse(exchange, verdict);
    }
}

static const struct attempt_callbacks attempt_callbacks = {
    .is_whole = on_is_whole,
    .ready = on_ready,
    .again = on_again,
    .head = on_github_head,
    .input = on_github_input,
    .output = on_github_output,
    .failed = on_failed,
};

// The client.

// Nothing has moved for `limits.idle`: whoever it is that is waited for.
static void on_silence(struct exchange *exchange)
{
    const struct upload *upload = &exchange->upload;

    switch (exchange->phase) {
    case EXCHANGE_PREPARES:
        if (upload->state != UPLOAD_WAITS) // a token, a connection and a pause have limits of their own
            close_client(exchange, REASON_CLIENT_TIMEOUT);
        break;
    case EXCHANGE_SENDS:
        if (upload->state == UPLOAD_SENT || upload_is_stuck(upload))
            refuse_for(exchange, REASON_UPSTREAM_TIMEOUT, NULL);
        else
            close_client(exchange, REASON_CLIENT_TIMEOUT);
        break;
    case EXCHANGE_QUOTES:
        refuse_with_quote(exchange);
        break;
    case EXCHANGE_PASSES:
        close_client(exchange,
                     download_is_stuck(&exchange->download) ? REASON_CLIENT_TIMEOUT : REASON_UPSTREAM_TIMEOUT);
        break;
    case EXCHANGE_ANSWERS:
    case EXCHANGE_DONE:
        close_client(exchange, REASON_CLIENT_TIMEOUT);
        break;
    }
}

static void on_exchange_idle(void *arg)
{
    struct exchange *exchange = arg;
    int64_t silent_ms = loop_now(exchange->client->loop).ms - exchange->moved.ms;
    int64_t limit_ms = exchange->runtime->config->limits.idle_ms;

    if (silent_ms < limit_ms) {
        timer_start(&exchange->idle, limit_ms - silent_ms);
        return;
    }
    timer_start(&exchange->idle, limit_ms);
    note_movement(exchange);
    on_silence(exchange);
}

void exchange_client_input(struct exchange *exchange)
{
    struct client *client = exchange->client;
    struct upload *upload = &exchange->upload;

    note_movement(exchange);
    switch (upload->state) {
    case UPLOAD_INSPECTS:
        take_upload(exchange, upload_inspect(upload));
        break;
    case UPLOAD_SENDS:
        take_upload(exchange, upload_send(upload, attempt_stream(&exchange->attempt)));
        return; // it has seen the end of the input
    case UPLOAD_DRAINS:
        take_upload(exchange, upload_drain(upload));
        return;
    case UPLOAD_WAITS:
    case UPLOAD_SENT:
    case UPLOAD_ENDED:
        break;
    }
    // Nobody is there any more to whom an answer could go. An orderly end alone may be half a close.
    if (client->exchange == exchange && stream_end(client->stream) == STREAM_FAILED)
        close_client(exchange, REASON_CLIENT_GONE);
}

void exchange_client_output(struct exchange *exchange)
{
    note_movement(exchange);
    if (exchange->phase == EXCHANGE_PASSES)
        pass_answer(exchange);
    else if (exchange->phase == EXCHANGE_ANSWERS && exchange->upload.state == UPLOAD_ENDED)
        send_own_answer(exchange);
}

// The beginning.

static struct exchange *new_exchange(struct client *client)
{
    struct exchange *exchange =
        spare_exchange_count > 0 ? spare_exchanges[--spare_exchange_count] : mem_alloc(sizeof(*exchange));
    struct runtime *runtime = runtime_ref(client->runtime);

    exchange->client = client;
    exchange->runtime = runtime;
    exchange->phase = EXCHANGE_PREPARES;
    exchange->client_closes = false;
    exchange->recorded = false;
    exchange->record_room = 0;
    exchange->verdict.reason = REASON_NONE;
    exchange->started = exchange->moved = loop_now(client->loop);
    request_init(&exchange->request, client->ids);
    judgement_init(&exchange->judgement, &exchange->request, runtime, on_judged, exchange);
    upload_init(&exchange->upload, &exchange->request, client->stream, on_pack_over, exchange);
    attempt_init(&exchange->attempt, &exchange->request, runtime, client->loop, &attempt_callbacks, exchange);
    download_init(&exchange->download);
    own_answer_init(&exchange->own_answer);
    timer_init(&exchange->idle, client->loop, on_exchange_idle, exchange);
    timer_start(&exchange->idle, runtime->config->limits.idle_ms);
    deferred_init(&exchange->release, on_exchange_release, exchange);
    client->exchange = exchange;
    return exchange;
}

// Takes the head off the client's input, so that its views do not move.
static void take_head(struct exchange *exchange, const struct head *head)
{
    struct stream *client = exchange->client->stream;

    request_take_head(&exchange->request, head, stream_input(client).data);
    stream_consume(client, exchange->request.head.size);
    exchange->client_closes = !exchange->request.head.keep_alive;
    upload_begin(&exchange->upload);
}

void exchange_start(struct client *client, const struct head *head, bool last)
{
    struct exchange *exchange = new_exchange(client);
    struct verdict verdict;

    take_head(exchange, head);
    if (last)
        exchange->client_closes = true;
    if (request_find_operation(&exchange->request, client, exchange->runtime, &verdict))
        on_judged(exchange, judgement_of_head(&exchange->judgement));
    else
        refuse(exchange, &verdict);
}

void exchange_start_refused(struct client *client, const struct head *head, const struct verdict *verdict)
{
    struct exchange *exchange = new_exchange(client);

    if (head)
        take_head(exchange, head);
    else
        exchange->client_closes = true;
    refuse(exchange, verdict);
}
