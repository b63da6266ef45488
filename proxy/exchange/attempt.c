#include "attempt.h"

#include <stddef.h>
#include <string.h>

#include "authorization.h"
#include "config.h"
#include "github_refusal.h"
#include "log.h"
#include "pool.h"
#include "stream.h"

static void on_attempt_pause_over(void *arg);

void attempt_init(struct attempt *attempt, const struct request *request, struct runtime *runtime, struct loop *loop,
                  const struct attempt_callbacks *callbacks, void *arg)
{
    memset(attempt, 0, offsetof(struct attempt, answer));
    attempt->callbacks = callbacks;
    attempt->arg = arg;
    attempt->request = request;
    attempt->runtime = runtime;
    attempt->loop = loop;
    timer_init(&attempt->pause, loop, on_attempt_pause_over, attempt);
}

// Ends what was asked for, and gives the connection back.
static void let_go(struct attempt *attempt, bool keep)
{
    if (attempt->token_request)
        token_request_cancel(attempt->token_request);
    if (attempt->pool_request)
        pool_cancel(attempt->pool_request);
    if (attempt->upstream)
        pool_give(attempt->upstream, keep);
    timer_stop(&attempt->pause);
    attempt->token_request = NULL;
    attempt->pool_request = NULL;
    attempt->upstream = NULL;
}

void attempt_end(struct attempt *attempt, bool keep)
{
    let_go(attempt, keep);
    attempt->state = ATTEMPT_ENDED;
}

void attempt_clear(struct attempt *attempt)
{
    attempt_end(attempt, false);
    token_unref(attempt->token);
    attempt->token = NULL;
}

static void fail(struct attempt *attempt, enum reason reason, const char *sentence)
{
    struct verdict verdict;

    if (sentence)
        verdict_set(&verdict, reason, "%s", sentence);
    else
        verdict_set(&verdict, reason, NULL);
    attempt->callbacks->failed(attempt->arg, &verdict);
}

struct stream *attempt_stream(const struct attempt *attempt)
{
    return attempt->upstream->stream;
}

bool attempt_is_ready(const struct attempt *attempt)
{
    return attempt->state == ATTEMPT_PREPARES && attempt->token_ready && attempt->upstream &&
           !timer_pending(&attempt->pause);
}

static void go_on_if_ready(struct attempt *attempt)
{
    if (attempt_is_ready(attempt))
        attempt->callbacks->ready(attempt->arg);
}

// The token.

static void use_token(struct attempt *attempt, struct token *token)
{
    attempt->token_ready = true;
    token_unref(attempt->token);
    attempt->token = token_ref(token);
}

static void on_attempt_token(void *arg, struct token *token, const struct verdict *verdict)
{
    struct attempt *attempt = arg;
    struct verdict unnamed;

    attempt->token_request = NULL;
    // The source names all organisations that use the App, which is the operator's to know.
    if (verdict && verdict->reason == REASON_OWNER_UNKNOWN) {
        log_info("token", "a request that names no repository is refused: %s; set `github.default_owner`",
                 verdict->sentence);
        verdict_set(&unnamed, REASON_OWNER_UNKNOWN, NULL);
        verdict = &unnamed;
    }
    if (verdict) {
        attempt->callbacks->failed(attempt->arg, verdict);
        return;
    }
    use_token(attempt, token);
    go_on_if_ready(attempt);
}

void attempt_ask_token(struct attempt *attempt, const struct scope *scope)
{
    struct token_service *tokens = attempt->runtime->tokens;
    struct token *token;

    if (attempt->token_request || attempt->token_ready)
        return;
    attempt->scope = scope;
    if (!scope) { // one that was given up for a 401 may be there still
        token_unref(attempt->token);
        attempt->token = NULL;
    }
    if (!scope || operation_authorization(attempt->request->operation.kind) == AUTHORIZATION_NONE)
        attempt->token_ready = true;
    else if ((token = token_service_look(tokens, scope)))
        use_token(attempt, token);
    else
        attempt->token_request = token_service_ask(tokens, scope, on_attempt_token, attempt);
}

// The connection.

static void on_attempt_input(void *arg);
static void on_attempt_output(void *arg);

static const struct stream_callbacks attempt_stream_callbacks = {
    .on_input = on_attempt_input,
    .on_output = on_attempt_output,
};

static void use_connection(struct attempt *attempt, struct upstream *upstream)
{
    attempt->upstream = upstream;
    attempt->written_before = stream_bytes_written(upstream->stream);
    stream_set_owner(upstream->stream, &attempt_stream_callbacks, attempt);
    stream_want_input(upstream->stream, true);
}

static void on_attempt_connection(void *arg, struct upstream *upstream, const struct verdict *verdict)
{
    struct attempt *attempt = arg;

    attempt->pool_request = NULL;
    if (verdict) {
        attempt->callbacks->failed(attempt->arg, verdict);
        return;
    }
    use_connection(attempt, upstream);
    go_on_if_ready(attempt);
}

void attempt_ask_connection(struct attempt *attempt)
{
    const struct git_host *git = attempt->request->host->git;
    struct pool *pool = attempt->request->host->pool;
    const char *host = request_upstream_name(attempt->request);
    // Connections are not shared between the owners whose tokens they carried; elsewhere a host has one credential.
    const char *owner = !attempt->scope ? "" : git_host_is_github(git) ? attempt->scope->repository.owner : git->web;
    struct upstream *idle;

    if (attempt->upstream || attempt->pool_request)
        return;
    // After a loss only a new connection will do: the other idle ones may be as old.
    idle = attempt->tries == 0 ? pool_take(pool, host, git->port, owner) : NULL;
    if (idle)
        use_connection(attempt, idle);
    else
        attempt->pool_request = pool_dial(pool, host, git->port, owner, on_attempt_connection, attempt);
}

// The next try.

static void on_attempt_pause_over(void *arg)
{
    struct attempt *attempt = arg;

    attempt_ask_token(attempt, attempt->scope);
    attempt_ask_connection(attempt);
    go_on_if_ready(attempt);
}

static void try_again(struct attempt *attempt, const struct retry *retry)
{
    let_go(attempt, false);
    attempt->tries++;
    attempt->retried = retry->why;
    attempt->state = ATTEMPT_PREPARES;
    if (retry->new_token) {
        attempt->renewed = true;
        attempt->token_ready = false;
        token_service_rejected(attempt->runtime->tokens, attempt->token);
    }
    timer_start(&attempt->pause, retry->pause_ms);
    attempt->callbacks->again(attempt->arg, retry);
}

// True: another try has begun.
static bool retries(struct attempt *attempt, enum retry_failure failure)
{
    const struct upstream *upstream = attempt->upstream;
    struct retry_facts facts = {
        .failure = failure,
        .operation = &attempt->request->operation,
        .whole = attempt->callbacks->is_whole(attempt->arg),
        .written = stream_bytes_written(upstream->stream) != attempt->written_before,
        .reused = upstream->reused,
        .has_token = attempt->token != NULL,
        .token_age_ms = attempt->token ? token_age_ms(attempt->token, loop_now(attempt->loop)) : 0,
        .says_why = failure == RETRY_FORBIDDEN && github_refusal_says_why(&attempt->answer, attempt->token),
        .exists = failure == RETRY_NOT_FOUND &&
                  github_refusal_denies_minted(&attempt->request->operation, attempt->scope, attempt->token),
        .renewed = attempt->renewed,
        .tries = attempt->tries,
    };
    struct retry retry;

    if (!retry_find(&facts, &retry))
        return false;
    try_again(attempt, &retry);
    return true;
}

bool attempt_asks_again(struct attempt *attempt, enum retry_failure failure)
{
    return retries(attempt, failure);
}

bool attempt_send_head(struct attempt *attempt)
{
    struct secret *token = attempt->token ? attempt->token->value : NULL;

    if (!authorization_write_head(attempt->request, token, attempt_stream(attempt)))
        return false;
    attempt->state = ATTEMPT_SENT;
    head_init(&attempt->answer);
    return true;
}

// The answer's head.

// A copy of the field's value, which is gone with the head's bytes.
static void keep_value(const struct attempt *attempt, enum field_id id, char *room, size_t size)
{
    struct bytes value = head_value(&attempt->answer, id);

    if (value.size < size) {
        memcpy(room, value.data ? value.data : "", value.size);
        room[value.size] = '\0';
    }
}

static void fail_unauthorized(struct attempt *attempt)
{
    enum reason reason = attempt->token ? REASON_GITHUB_UNAUTHORIZED : REASON_GITHUB_ANONYMOUS;
    const struct git_host *host = attempt->request->operation.host;
    struct verdict verdict;

    if (git_host_is_github(host))
        verdict_set(&verdict, reason, NULL);
    else if (attempt->token)
        verdict_set(&verdict, reason, "%s did not accept its credential: it answered 401", host->web);
    else
        verdict_set(&verdict, reason, "%s wants a credential, and no rule attaches one here", host->web);
    attempt->callbacks->failed(attempt->arg, &verdict);
}

static void on_answer_head(struct attempt *attempt)
{
    int status = attempt->answer.status;
    enum retry_failure failure;

    keep_value(attempt, FIELD_X_GITHUB_REQUEST_ID, attempt->github_request_id, sizeof(attempt->github_request_id));
    keep_value(attempt, FIELD_X_ACCEPTED_GITHUB_PERMISSIONS, attempt->needs, sizeof(attempt->needs));
    if (retry_of_status(status, &failure) && retries(attempt, failure))
        return;
    if (status == 401) {
        fail_unauthorized(attempt);
        return;
    }
    attempt->state = ATTEMPT_ANSWERED;
    attempt->callbacks->head(attempt->arg);
}

static void on_lost(struct attempt *attempt)
{
    const char *failure = stream_failure(attempt_stream(attempt));
    struct verdict verdict;

    if (retries(attempt, RETRY_LOST))
        return;
    if (failure[0])
        verdict_set(&verdict, REASON_UPSTREAM_LOST, "the connection to GitHub broke: %s", failure);
    else
        verdict_set(&verdict, REASON_UPSTREAM_LOST, NULL);
    attempt->callbacks->failed(attempt->arg, &verdict);
}

static void on_bad_answer(struct attempt *attempt)
{
    struct verdict verdict;

    verdict_set(&verdict, REASON_UPSTREAM_PROTOCOL, "GitHub's answer: %s", attempt->answer.bad);
    attempt->callbacks->failed(attempt->arg, &verdict);
}

static void read_answer_head(struct attempt *attempt)
{
    struct stream *stream = attempt_stream(attempt);
    size_t limit = attempt->runtime->config->limits.header;

    for (;;) {
        switch (head_parse_response(&attempt->answer, stream_input(stream), limit)) {
        case HEAD_MORE:
            if (stream_end(stream) != STREAM_OPEN)
                on_lost(attempt);
            else if (stream_input_full(stream))
                fail(attempt, REASON_UPSTREAM_PROTOCOL, "the head of GitHub's answer is too large");
            return;
        case HEAD_BAD:
        case HEAD_TOO_LARGE:
            on_bad_answer(attempt);
            return;
        case HEAD_DONE:
            break;
        }
        if (attempt->answer.status >= 200) {
            on_answer_head(attempt);
            return;
        }
        if (attempt->answer.status == 101) {
            fail(attempt, REASON_UPSTREAM_PROTOCOL, "GitHub changed the protocol unasked");
            return;
        }
        // An interim answer: 100 was given by us, hints (103) help none of the tools here.
        stream_consume(stream, attempt->answer.size);
        head_init(&attempt->answer);
    }
}

// The connection speaks, or is lost, before it was asked: another takes its place.
static void replace_connection(struct attempt *attempt)
{
    struct retry retry;
    struct retry_facts facts = {
        .failure = RETRY_UNUSED_LOST, .operation = &attempt->request->operation, .tries = attempt->tries};

    if (!retry_find(&facts, &retry)) {
        fail(attempt, REASON_UPSTREAM_LOST, NULL);
        return;
    }
    pool_give(attempt->upstream, false);
    attempt->upstream = NULL;
    attempt->tries++;
    attempt->retried = retry.why;
    attempt_ask_connection(attempt);
}

static void on_attempt_input(void *arg)
{
    struct attempt *attempt = arg;

    switch (attempt->state) {
    case ATTEMPT_PREPARES:
        replace_connection(attempt);
        break;
    case ATTEMPT_SENT:
        read_answer_head(attempt);
        break;
    case ATTEMPT_ANSWERED:
        attempt->callbacks->input(attempt->arg);
        break;
    case ATTEMPT_ENDED:
        break;
    }
}

static void on_attempt_output(void *arg)
{
    struct attempt *attempt = arg;

    if (attempt->state == ATTEMPT_SENT || attempt->state == ATTEMPT_ANSWERED)
        attempt->callbacks->output(attempt->arg);
}
