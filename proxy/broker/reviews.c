#include "reviews.h"

#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "flight.h"
#include "http_transport.h"
#include "log.h"
#include "loop.h"
#include "lru.h"
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

struct review_request {
    struct flight_waiter waiter;
    struct reviews *reviews;
    review_done_fn *done;
    void *arg;
    struct caller caller; // not proven: `verdict` says why
    struct verdict verdict;
};

enum review_state {
    REVIEW_WAITS,   // to begin
    REVIEW_ASKED,   // the cluster is asked
    REVIEW_PROVEN,  // `caller` is who has the token, until `until`
    REVIEW_REFUSED, // `why`, until `until`
};

// What is known of one token that was shown; its key is the token's hash.
struct review {
    struct lru_entry entry;
    TAILQ_ENTRY(review) queued; // REVIEW_WAITS
    struct reviews *reviews;
    enum review_state state;
    char from[64];       // the address that showed it first
    struct secret *body; // of the question, until it is asked
    struct wall end;     // that the token names
    struct http_request *asking;
    struct mono until;
    struct caller caller;
    enum reason reason; // REVIEW_REFUSED
    char *why;          // the sentence; NULL: that of the reason
    struct flight flight;
};

struct reviews {
    struct loop *loop;
    struct http_transport *transport;
    struct tls_client *tls;
    char *url;
    char **audiences;
    size_t audience_count;
    struct secret_file credential;
    struct rate_limiter *bad; // tokens, by address
    struct lru known;         // of struct review
    TAILQ_HEAD(, review) queue;
    size_t waiting, asked;
    struct mono paused_until;
    bool failing; // it was said in the log
};

// Of those that nobody waits for, the one shown longest ago makes room.
static bool review_is_idle(const struct lru_entry *entry)
{
    const struct review *review = (const struct review *)entry;

    return review->state == REVIEW_PROVEN || review->state == REVIEW_REFUSED;
}

static void review_free(struct lru_entry *entry)
{
    struct review *review = (struct review *)entry;

    if (review->asking)
        review->reviews->transport->cancel(review->reviews->transport, review->asking);
    secret_unref(review->body);
    caller_clear(&review->caller);
    mem_free(review->why);
    mem_free(review);
}

static struct review *review_new(struct reviews *reviews, struct bytes hash)
{
    struct review *review = mem_alloc_zero(1, sizeof(*review));

    review->reviews = reviews;
    flight_init(&review->flight);
    lru_add(&reviews->known, &review->entry, hash);
    return review;
}

// Requests and their answers.

static void deliver_review(void *arg)
{
    struct review_request *request = arg;

    request->done(request->arg, request->caller.namespace ? &request->caller : NULL,
                  request->caller.namespace ? NULL : &request->verdict);
    caller_clear(&request->caller);
    mem_free(request);
}

static void refuse_request(struct review_request *request, enum reason reason, unsigned retry_after_s,
                           const char *sentence)
{
    verdict_set(&request->verdict, reason, sentence ? "%s" : NULL, sentence);
    request->verdict.retry_after_s = retry_after_s;
    flight_settle(request->reviews->loop, &request->waiter);
}

static void settle_request(struct review_request *request, const struct review *review)
{
    if (review->state != REVIEW_PROVEN) {
        refuse_request(request, review->reason, review->reason == REASON_CLUSTER_UNREACHABLE ? RETRY_S : 0,
                       review->why);
        return;
    }
    caller_copy(&review->caller, &request->caller);
    flight_settle(request->reviews->loop, &request->waiter);
}

static void settle_all(struct review *review)
{
    struct flight_waiter *waiter;

    while ((waiter = flight_take(&review->flight)))
        settle_request((struct review_request *)waiter, review);
}

void review_request_cancel(struct review_request *request)
{
    flight_leave(&request->waiter);
    caller_clear(&request->caller);
    mem_free(request);
}

// The review.

static void keep_verdict(struct review *review, enum review_state state, int64_t keep_ms)
{
    struct reviews *reviews = review->reviews;
    int64_t left_ms = review->end.ms - clock_wall(loop_clock(reviews->loop)).ms;

    review->state = state;
    review->until.ms = loop_now(reviews->loop).ms + (keep_ms < left_ms ? keep_ms : left_ms);
    settle_all(review);
}

static void review_refused(struct review *review, const struct error *error)
{
    bool counted GL_UNUSED = rate_limiter_take(review->reviews->bad, review->from);

    review->reason = REASON_CALLER_UNPROVEN;
    review->why = mem_string(error->text);
    keep_verdict(review, REVIEW_REFUSED, REFUSED_KEEP_MS);
}

// The cluster gave no verdict: those who wait hear that, and nothing is kept.
static void review_failed(struct review *review, const char *problem)
{
    struct reviews *reviews = review->reviews;

    if (!reviews->failing)
        log_error("broker", "the cluster's API gives no verdict on callers: %s", problem);
    reviews->failing = true;
    reviews->paused_until.ms = loop_now(reviews->loop).ms + PAUSE_MS;
    review->reason = REASON_CLUSTER_UNREACHABLE;
    review->state = REVIEW_REFUSED;
    settle_all(review);
    lru_drop(&reviews->known, &review->entry);
}

static void judge_review(struct review *review, struct bytes body)
{
    struct reviews *reviews = review->reviews;
    struct error error;

    switch (token_review_parse(body, (const char *const *)reviews->audiences, reviews->audience_count, &review->caller,
                               &error)) {
    case TOKEN_REVIEW_PROVEN:
        keep_verdict(review, REVIEW_PROVEN, PROVEN_KEEP_MS);
        break;
    case TOKEN_REVIEW_REFUSED:
        review_refused(review, &error);
        break;
    case TOKEN_REVIEW_UNREADABLE:
        review_failed(review, error.text);
        return;
    }
    reviews->failing = false;
}

static void begin_reviews(struct reviews *reviews);

static void on_reviews_review(void *arg, const struct http_answer *answer)
{
    struct review *review = arg;
    struct reviews *reviews = review->reviews;
    char problem[160];

    review->asking = NULL;
    reviews->asked--;
    if (answer->result != HTTP_ANSWERED) {
        review_failed(review, answer->problem);
    } else if (answer->status == 201 || answer->status == 200) {
        judge_review(review, answer->body);
    } else {
        snprintf(problem, sizeof(problem), "it answered %d%s", answer->status,
                 answer->status == 401 || answer->status == 403
                     ? "; may the broker's service account create tokenreviews (ClusterRole system:auth-delegator)?"
                     : "");
        review_failed(review, problem);
    }
    begin_reviews(reviews);
}

static void begin_review(struct review *review)
{
    static const char *const headers[] = {"Accept: application/json", "Content-Type: application/json", NULL};
    struct reviews *reviews = review->reviews;
    struct error error;
    bool changed;

    if (!secret_file_refresh(&reviews->credential, &changed, &error) && !reviews->credential.secret) {
        review_failed(review, error.text);
        return;
    }
    const struct http_call call = {
        .method = "POST",
        .url = reviews->url,
        .headers = headers,
        .bearer = secret_bytes(reviews->credential.secret),
        .body = secret_bytes(review->body),
        .tls = reviews->tls,
        .timeout_ms = REVIEW_TIMEOUT_MS,
    };
    review->state = REVIEW_ASKED;
    review->asking = reviews->transport->ask(reviews->transport, &call, on_reviews_review, review);
    reviews->asked++;
    secret_unref(review->body);
    review->body = NULL;
}

static void begin_reviews(struct reviews *reviews)
{
    struct review *review;

    while (reviews->asked < REVIEWS_MAX && (review = TAILQ_FIRST(&reviews->queue))) {
        TAILQ_REMOVE(&reviews->queue, review, queued);
        reviews->waiting--;
        if (loop_now(reviews->loop).ms < reviews->paused_until.ms)
            review_failed(review, "it did not answer just now");
        else
            begin_review(review);
    }
}

// A token without a verdict, or with an old one.
static void queue_review(struct review *review, struct review_request *request, struct bytes shown, const char *from)
{
    struct reviews *reviews = review->reviews;

    caller_clear(&review->caller);
    mem_free(review->why);
    review->why = NULL;
    review->state = REVIEW_WAITS;
    review->end = token_review_end(shown);
    review->body = token_review_body(shown, (const char *const *)reviews->audiences, reviews->audience_count);
    snprintf(review->from, sizeof(review->from), "%s", from);
    flight_join(&review->flight, &request->waiter);
    TAILQ_INSERT_TAIL(&reviews->queue, review, queued);
    reviews->waiting++;
    begin_reviews(reviews);
}

static void reviews_look_up(struct review_request *request, struct bytes shown, const char *from)
{
    struct reviews *reviews = request->reviews;
    struct mono now = loop_now(reviews->loop);
    unsigned char digest[SHA256_DIGEST_LENGTH];
    struct bytes hash = bytes_of((const char *)digest, sizeof(digest));
    struct review *review;
    unsigned wait_s;

    SHA256((const unsigned char *)shown.data, shown.size, digest);
    review = (struct review *)lru_find(&reviews->known, hash);
    if (review && !review_is_idle(&review->entry)) {
        flight_join(&review->flight, &request->waiter);
    } else if (review && now.ms < review->until.ms) {
        lru_use(&reviews->known, &review->entry);
        settle_request(request, review);
    } else if ((wait_s = rate_limiter_wait_s(reviews->bad, from))) {
        refuse_request(request, REASON_CALLER_LIMIT, wait_s, "too many tokens from this address were not accepted");
    } else if (now.ms < reviews->paused_until.ms || reviews->waiting >= WAITING_MAX) {
        refuse_request(request, REASON_CLUSTER_UNREACHABLE, RETRY_S, NULL);
    } else {
        queue_review(review ? review : review_new(reviews, hash), request, shown, from);
    }
}

struct review_request *reviews_ask(struct reviews *reviews, struct bytes token, const char *from, review_done_fn *done,
                                   void *arg)
{
    struct review_request *request = mem_alloc_zero(1, sizeof(*request));

    *request = (struct review_request){.reviews = reviews, .done = done, .arg = arg};
    flight_waiter_init(&request->waiter, deliver_review, request);
    if (token_review_well_formed(token))
        reviews_look_up(request, token, from);
    else
        refuse_request(request, REASON_CALLER_UNPROVEN, 0, "the token is no bearer token: Authorization: Bearer TOKEN");
    return request;
}

struct reviews *reviews_new(const struct reviews_options *options)
{
    struct reviews *reviews = mem_alloc_zero(1, sizeof(*reviews));
    const struct pace_rate bad = {.interval_ms = BAD_INTERVAL_MS, .burst = BAD_BURST};

    reviews->loop = options->loop;
    reviews->transport = options->transport;
    reviews->tls = options->tls;
    reviews->url = mem_format("%s" TOKEN_REVIEW_PATH, options->api);
    reviews->audiences = mem_alloc(options->audience_count * sizeof(*reviews->audiences));
    reviews->audience_count = options->audience_count;
    for (size_t i = 0; i < options->audience_count; i++)
        reviews->audiences[i] = mem_string(options->audiences[i]);
    secret_file_init(&reviews->credential, options->token_file);
    reviews->bad = rate_limiter_new(options->loop, bad, ADDRESSES_MAX);
    lru_init(&reviews->known, TOKENS_MAX, review_is_idle, review_free);
    TAILQ_INIT(&reviews->queue);
    return reviews;
}

void reviews_free(struct reviews *reviews)
{
    if (!reviews)
        return;
    lru_clear(&reviews->known);
    for (size_t i = 0; i < reviews->audience_count; i++)
        mem_free(reviews->audiences[i]);
    mem_free(reviews->audiences);
    mem_free(reviews->url);
    secret_file_clear(&reviews->credential);
    rate_limiter_free(reviews->bad);
    mem_free(reviews);
}
