#include "callers.h"

#include <openssl/sha.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "http_transport.h"
#include "log.h"
#include "loop.h"
#include "mem.h"
#include "rate_limiter.h"
#include "secret_file.h"
#include "token_review.h"

// The contract's bound: so long a deleted pod may still be served.
#define PROVEN_KEEP_MS (60 * SECOND_MS)
// A token that is refused may be good soon: clocks differ, an API server has not seen its pod yet.
#define REFUSED_KEEP_MS (5 * SECOND_MS)
// After a failure the cluster is left alone for so long.
#define PAUSE_MS (1 * SECOND_MS)
// And callers are asked to come back, in seconds.
#define RETRY_S           2
#define REVIEW_TIMEOUT_MS (10 * SECOND_MS)
// Reviews at a time: at 20 ms each, 1,600 callers a second.
#define REVIEWS_MAX 32
// Tokens that are known, at about 500 bytes: 8 MiB at the worst. Of them a part may wait for its review.
#define TOKENS_MAX  16384
#define WAITING_MAX 8192
// Bad tokens from one address: 30, then one every two seconds.
#define BAD_BURST       30
#define BAD_INTERVAL_MS (2 * SECOND_MS)
#define ADDRESSES_MAX   4096

struct callers_request {
    LIST_ENTRY(callers_request) link; // of its token, while it waits there
    struct callers *callers;
    struct caller_token *token; // NULL: settled, to be delivered
    struct deferred deferred;
    callers_done_fn *done;
    void *arg;
    struct caller caller; // namespace NULL: `verdict` says why
    struct verdict verdict;
};

enum token_state {
    TOKEN_WAITS,   // for its review to begin
    TOKEN_ASKED,   // the cluster is asked
    TOKEN_PROVEN,  // `caller` is who has it, until `until`
    TOKEN_REFUSED, // `why`, until `until`
};

// One token that was shown, by its hash.
struct caller_token {
    unsigned char hash[SHA256_DIGEST_LENGTH];
    TAILQ_ENTRY(caller_token) link;   // shown last first
    TAILQ_ENTRY(caller_token) queued; // TOKEN_WAITS
    struct callers *callers;
    enum token_state state;
    char from[64];       // the address that showed it first
    struct secret *body; // of the review, until it begins
    struct wall end;     // that the token names
    struct http_request *review;
    struct mono until;
    struct caller caller;
    enum reason reason; // TOKEN_REFUSED
    char *why;          // the sentence; NULL: that of the reason
    LIST_HEAD(, callers_request) requests;
};

struct callers {
    struct loop *loop;
    struct http_transport *transport;
    struct tls_client *tls;
    char *url;
    char **audiences;
    size_t audience_count;
    struct secret_file credential;
    struct rate_limiter *bad; // tokens, by address
    void *tree;               // of struct caller_token, tsearch(3)
    TAILQ_HEAD(caller_tokens, caller_token) tokens;
    TAILQ_HEAD(, caller_token) queue;
    size_t token_count, waiting, reviews;
    struct mono paused_until;
    bool failing; // it was said in the log
};

// The tokens.

static int compare(const void *a, const void *b)
{
    return memcmp(((const struct caller_token *)a)->hash, ((const struct caller_token *)b)->hash, SHA256_DIGEST_LENGTH);
}

static struct caller_token *token_find(const struct callers *callers, const struct caller_token *wanted)
{
    void *found = tfind(wanted, &callers->tree, compare);

    return found ? *(struct caller_token **)found : NULL;
}

static void token_free(struct caller_token *token)
{
    struct callers *callers = token->callers;

    if (token->review)
        callers->transport->cancel(callers->transport, token->review);
    tdelete(token, &callers->tree, compare);
    TAILQ_REMOVE(&callers->tokens, token, link);
    callers->token_count--;
    secret_unref(token->body);
    caller_clear(&token->caller);
    mem_free(token->why);
    mem_free(token);
}

// Of those that nobody waits for, the one shown longest ago goes.
static void make_room(struct callers *callers)
{
    struct caller_token *token;

    if (callers->token_count < TOKENS_MAX)
        return;
    TAILQ_FOREACH_REVERSE(token, &callers->tokens, caller_tokens, link) {
        if (token->state == TOKEN_PROVEN || token->state == TOKEN_REFUSED) {
            token_free(token);
            return;
        }
    }
}

static struct caller_token *token_make(struct callers *callers, const struct caller_token *wanted)
{
    struct caller_token *token = mem_alloc_zero(1, sizeof(*token));

    make_room(callers);
    memcpy(token->hash, wanted->hash, sizeof(token->hash));
    token->callers = callers;
    LIST_INIT(&token->requests);
    TAILQ_INSERT_HEAD(&callers->tokens, token, link);
    callers->token_count++;
    if (!tsearch(token, &callers->tree, compare))
        abort(); // memory ran out
    return token;
}

// Requests and their answers.

static void deliver(void *arg)
{
    struct callers_request *request = arg;

    request->done(request->arg, request->caller.namespace ? &request->caller : NULL,
                  request->caller.namespace ? NULL : &request->verdict);
    caller_clear(&request->caller);
    mem_free(request);
}

static void refuse(struct callers_request *request, enum reason reason, unsigned retry_after_s, const char *sentence)
{
    verdict_set(&request->verdict, reason, sentence ? "%s" : NULL, sentence);
    request->verdict.retry_after_s = retry_after_s;
    loop_defer(request->callers->loop, &request->deferred);
}

static void settle(struct callers_request *request, const struct caller_token *token)
{
    request->token = NULL;
    if (token->state != TOKEN_PROVEN) {
        refuse(request, token->reason, token->reason == REASON_CLUSTER_UNREACHABLE ? RETRY_S : 0, token->why);
        return;
    }
    caller_copy(&token->caller, &request->caller);
    loop_defer(request->callers->loop, &request->deferred);
}

static void settle_all(struct caller_token *token)
{
    struct callers_request *request;

    while ((request = LIST_FIRST(&token->requests))) {
        LIST_REMOVE(request, link);
        settle(request, token);
    }
}

void callers_cancel(struct callers_request *request)
{
    if (request->token)
        LIST_REMOVE(request, link);
    deferred_cancel(&request->deferred);
    caller_clear(&request->caller);
    mem_free(request);
}

// The review.

static void keep(struct caller_token *token, enum token_state state, int64_t keep_ms)
{
    struct callers *callers = token->callers;
    int64_t left_ms = token->end.ms - clock_wall(loop_clock(callers->loop)).ms;

    token->state = state;
    token->until.ms = loop_now(callers->loop).ms + (keep_ms < left_ms ? keep_ms : left_ms);
    settle_all(token);
}

static void refused(struct caller_token *token, const struct error *error)
{
    bool counted GL_UNUSED = rate_limiter_take(token->callers->bad, token->from);

    token->reason = REASON_CALLER_UNPROVEN;
    token->why = mem_string(error->text);
    keep(token, TOKEN_REFUSED, REFUSED_KEEP_MS);
}

// The cluster gave no verdict: those who wait are told, and nothing is kept.
static void failed(struct caller_token *token, const char *problem)
{
    struct callers *callers = token->callers;

    if (!callers->failing)
        log_error("broker", "the cluster's API gives no verdict on callers: %s", problem);
    callers->failing = true;
    callers->paused_until.ms = loop_now(callers->loop).ms + PAUSE_MS;
    token->reason = REASON_CLUSTER_UNREACHABLE;
    token->state = TOKEN_REFUSED;
    settle_all(token);
    token_free(token);
}

static void judge(struct caller_token *token, struct bytes body)
{
    struct callers *callers = token->callers;
    struct error error;

    switch (token_review_parse(body, (const char *const *)callers->audiences, callers->audience_count, &token->caller,
                               &error)) {
    case TOKEN_REVIEW_PROVEN:
        keep(token, TOKEN_PROVEN, PROVEN_KEEP_MS);
        break;
    case TOKEN_REVIEW_REFUSED:
        refused(token, &error);
        break;
    case TOKEN_REVIEW_UNREADABLE:
        failed(token, error.text);
        return;
    }
    callers->failing = false;
}

static void begin_reviews(struct callers *callers);

static void on_review(void *arg, const struct http_answer *answer)
{
    struct caller_token *token = arg;
    struct callers *callers = token->callers;
    char problem[160];

    token->review = NULL;
    callers->reviews--;
    if (answer->result != HTTP_ANSWERED) {
        failed(token, answer->problem);
    } else if (answer->status == 201 || answer->status == 200) {
        judge(token, answer->body);
    } else {
        snprintf(problem, sizeof(problem), "it answered %d%s", answer->status,
                 answer->status == 401 || answer->status == 403
                     ? "; may the broker's service account create tokenreviews (ClusterRole system:auth-delegator)?"
                     : "");
        failed(token, problem);
    }
    begin_reviews(callers);
}

static void begin_review(struct caller_token *token)
{
    static const char *const headers[] = {"Accept: application/json", "Content-Type: application/json", NULL};
    struct callers *callers = token->callers;
    struct error error;
    bool changed;

    if (!secret_file_refresh(&callers->credential, &changed, &error) && !callers->credential.secret) {
        failed(token, error.text);
        return;
    }
    const struct http_call call = {
        .method = "POST",
        .url = callers->url,
        .headers = headers,
        .bearer = secret_bytes(callers->credential.secret),
        .body = secret_bytes(token->body),
        .tls = callers->tls,
        .timeout_ms = REVIEW_TIMEOUT_MS,
    };
    token->state = TOKEN_ASKED;
    token->review = callers->transport->ask(callers->transport, &call, on_review, token);
    callers->reviews++;
    secret_unref(token->body);
    token->body = NULL;
}

static void begin_reviews(struct callers *callers)
{
    struct caller_token *token;

    while (callers->reviews < REVIEWS_MAX && (token = TAILQ_FIRST(&callers->queue))) {
        TAILQ_REMOVE(&callers->queue, token, queued);
        callers->waiting--;
        if (loop_now(callers->loop).ms < callers->paused_until.ms)
            failed(token, "it did not answer just now");
        else
            begin_review(token);
    }
}

// A token without a verdict, or with an old one.
static void review(struct caller_token *token, struct callers_request *request, struct bytes shown, const char *from)
{
    struct callers *callers = token->callers;

    caller_clear(&token->caller);
    mem_free(token->why);
    token->why = NULL;
    token->state = TOKEN_WAITS;
    token->end = token_review_end(shown);
    token->body = token_review_body(shown, (const char *const *)callers->audiences, callers->audience_count);
    snprintf(token->from, sizeof(token->from), "%s", from);
    request->token = token;
    LIST_INSERT_HEAD(&token->requests, request, link);
    TAILQ_INSERT_TAIL(&callers->queue, token, queued);
    callers->waiting++;
    begin_reviews(callers);
}

static void look_up(struct callers_request *request, struct bytes shown, const char *from)
{
    struct callers *callers = request->callers;
    struct mono now = loop_now(callers->loop);
    struct caller_token wanted, *token;
    unsigned wait_s;

    SHA256((const unsigned char *)shown.data, shown.size, wanted.hash);
    token = token_find(callers, &wanted);
    if (token && (token->state == TOKEN_WAITS || token->state == TOKEN_ASKED)) {
        request->token = token;
        LIST_INSERT_HEAD(&token->requests, request, link);
    } else if (token && now.ms < token->until.ms) {
        TAILQ_REMOVE(&callers->tokens, token, link);
        TAILQ_INSERT_HEAD(&callers->tokens, token, link);
        settle(request, token);
    } else if ((wait_s = rate_limiter_wait_s(callers->bad, from))) {
        refuse(request, REASON_CALLER_LIMIT, wait_s, "too many tokens from this address were not accepted");
    } else if (now.ms < callers->paused_until.ms || callers->waiting >= WAITING_MAX) {
        refuse(request, REASON_CLUSTER_UNREACHABLE, RETRY_S, NULL);
    } else {
        review(token ? token : token_make(callers, &wanted), request, shown, from);
    }
}

struct callers_request *callers_prove(struct callers *callers, struct bytes token, const char *from,
                                      callers_done_fn *done, void *arg)
{
    struct callers_request *request = mem_alloc_zero(1, sizeof(*request));

    *request = (struct callers_request){.callers = callers, .done = done, .arg = arg};
    deferred_init(&request->deferred, deliver, request);
    if (token_review_well_formed(token))
        look_up(request, token, from);
    else
        refuse(request, REASON_CALLER_UNPROVEN, 0, "there is no service-account token: Authorization: Bearer TOKEN");
    return request;
}

struct callers *callers_new(const struct callers_options *options)
{
    struct callers *callers = mem_alloc_zero(1, sizeof(*callers));
    const struct pace_rate bad = {.interval_ms = BAD_INTERVAL_MS, .burst = BAD_BURST};

    callers->loop = options->loop;
    callers->transport = options->transport;
    callers->tls = options->tls;
    callers->url = mem_format("%s" TOKEN_REVIEW_PATH, options->api);
    callers->audiences = mem_alloc(options->audience_count * sizeof(*callers->audiences));
    callers->audience_count = options->audience_count;
    for (size_t i = 0; i < options->audience_count; i++)
        callers->audiences[i] = mem_string(options->audiences[i]);
    secret_file_init(&callers->credential, options->token_file);
    callers->bad = rate_limiter_new(options->loop, bad, ADDRESSES_MAX);
    TAILQ_INIT(&callers->tokens);
    TAILQ_INIT(&callers->queue);
    return callers;
}

void callers_free(struct callers *callers)
{
    if (!callers)
        return;
    while (!TAILQ_EMPTY(&callers->tokens))
        token_free(TAILQ_FIRST(&callers->tokens));
    for (size_t i = 0; i < callers->audience_count; i++)
        mem_free(callers->audiences[i]);
    mem_free(callers->audiences);
    mem_free(callers->url);
    secret_file_clear(&callers->credential);
    rate_limiter_free(callers->bad);
    mem_free(callers);
}
