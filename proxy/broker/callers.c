#include "callers.h"

#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include "flight.h"
#include "id_token.h"
#include "issuer.h"
#include "issuer_caller.h"
#include "loop.h"
#include "mem.h"
#include "reviews.h"
#include "secret.h"

// A caller whose issuer cannot be reached comes back after so many seconds.
#define ISSUER_RETRY_S 5

struct callers {
    struct loop *loop;
    struct reviews *reviews;
    struct issuer **issuers;
    size_t issuer_count;
};

struct callers_request {
    struct flight_waiter waiter; // for an issuer's keys, then for the answer
    struct callers *callers;
    struct id_token token; // `text` NULL: none, or it is the cluster's
    struct secret *shown;  // the token, for the cluster
    char *from;
    size_t issuer; // that is tried
    struct review_request *review;
    callers_done_fn *done;
    void *arg;
    struct caller caller;
    struct verdict verdict; // reason REASON_NONE: proven
};

static void callers_request_free(struct callers_request *request)
{
    id_token_clear(&request->token);
    secret_unref(request->shown);
    caller_clear(&request->caller);
    mem_free(request->from);
    mem_free(request);
}

void callers_cancel(struct callers_request *request)
{
    flight_leave(&request->waiter);
    if (request->review)
        review_request_cancel(request->review);
    callers_request_free(request);
}

// The end.

static void deliver_caller(void *arg)
{
    struct callers_request *request = arg;
    bool proven = request->verdict.reason == REASON_NONE;

    request->done(request->arg, proven ? &request->caller : NULL, proven ? NULL : &request->verdict);
    callers_request_free(request);
}

static void settle_caller(struct callers_request *request)
{
    flight_waiter_init(&request->waiter, deliver_caller, request);
    flight_settle(request->callers->loop, &request->waiter);
}

static void refuse_caller(struct callers_request *request, enum reason reason, const char *format, ...) GL_PRINTF(3, 4);

static void refuse_caller(struct callers_request *request, enum reason reason, const char *format, ...)
{
    va_list list;
    char *sentence;

    va_start(list, format);
    sentence = mem_format_list(format, list);
    va_end(list);
    verdict_set(&request->verdict, reason, "%s", sentence);
    if (reason == REASON_ISSUER_UNREACHABLE)
        request->verdict.retry_after_s = ISSUER_RETRY_S;
    mem_free(sentence);
    settle_caller(request);
}

// A service account's token: the cluster decides.

static void on_callers_review(void *arg, const struct caller *caller, const struct verdict *verdict)
{
    struct callers_request *request = arg;
    char **names = request->caller.certificate_names;

    request->review = NULL;
    if (caller) {
        caller_copy(caller, &request->caller);
        request->caller.certificate_names = names;
    } else {
        request->verdict = *verdict;
    }
    deliver_caller(request);
}

static void ask_cluster(struct callers_request *request)
{
    request->review =
        reviews_ask(request->callers->reviews, secret_bytes(request->shown), request->from, on_callers_review, request);
}

// An issuer's token.

// What a verified token says, is believed for this broker alone and for its time.
static void callers_take_token(struct callers_request *request, const struct config_issuer *config)
{
    struct error error;

    if (issuer_caller_check(config, &request->token, clock_wall(loop_clock(request->callers->loop)), &error)) {
        issuer_caller_fill(config, &request->token, &request->caller);
        settle_caller(request);
    } else {
        refuse_caller(request, REASON_CALLER_UNPROVEN, "%s", error.text);
    }
}

static const struct issuer *current_issuer(const struct callers_request *request)
{
    return request->callers->issuers[request->issuer];
}

static bool find_issuer(struct callers_request *request)
{
    const char *named = id_token_text(&request->token, "iss");

    for (; named && request->issuer < request->callers->issuer_count; request->issuer++) {
        if (strcmp(issuer_config(current_issuer(request))->issuer, named) == 0)
            return true;
    }
    return false;
}

// The issuer's keys do not decide: another issuer of the same name may, or the cluster, whose own may be one of these.
static void try_next(struct callers_request *request, enum key_set_result result)
{
    const struct issuer *issuer = current_issuer(request);
    const char *name = issuer_config(issuer)->name;

    request->issuer++;
    if (find_issuer(request))
        flight_settle(request->callers->loop, &request->waiter);
    else if (result == KEY_SET_UNKNOWN && request->callers->reviews)
        ask_cluster(request);
    else if (result == KEY_SET_UNKNOWN && issuer_keys(issuer)->count == 0)
        refuse_caller(request, REASON_ISSUER_UNREACHABLE, "the keys of issuer %s cannot be had: %s", name,
                      issuer_problem(issuer));
    else if (result == KEY_SET_UNKNOWN)
        refuse_caller(request, REASON_CALLER_UNPROVEN, "issuer %s has no key of the token's `kid`", name);
    else if (result == KEY_SET_ALGORITHM)
        refuse_caller(request, REASON_CALLER_UNPROVEN, "issuer %s: the token's algorithm is not its key's", name);
    else
        refuse_caller(request, REASON_CALLER_UNPROVEN, "the token was not signed by issuer %s", name);
}

static void try_issuer(void *arg)
{
    struct callers_request *request = arg;
    struct issuer *issuer = request->callers->issuers[request->issuer];
    enum key_set_result result;

    if (!issuer_is_ready(issuer, &request->token, &request->waiter))
        return;
    result = key_set_verify(issuer_keys(issuer), &request->token);
    if (result == KEY_SET_SIGNED)
        callers_take_token(request, issuer_config(issuer));
    else
        try_next(request, result);
}

// The beginning.

static void begin_proof(struct callers_request *request, struct bytes shown)
{
    const struct callers *callers = request->callers;
    struct error error;
    bool parsed;

    if (shown.size == 0) {
        if (request->caller.certificate_names)
            settle_caller(request);
        else
            refuse_caller(request, REASON_CALLER_UNPROVEN, "there is no token: Authorization: Bearer TOKEN");
        return;
    }
    parsed = callers->issuer_count > 0 && id_token_parse(shown, &request->token, &error);
    if (parsed && find_issuer(request))
        flight_settle(callers->loop, &request->waiter);
    else if (callers->reviews)
        ask_cluster(request);
    else if (parsed)
        refuse_caller(request, REASON_CALLER_UNPROVEN, "this broker knows no issuer \"%.200s\"",
                      id_token_text(&request->token, "iss") ? id_token_text(&request->token, "iss") : "");
    else
        refuse_caller(request, REASON_CALLER_UNPROVEN, "%s",
                      callers->issuer_count > 0 ? error.text : "this broker takes certificates alone, and no token");
}

static char **copy_certificate(char *const *names)
{
    const struct caller shown = {.certificate_names = (char **)(uintptr_t)names};
    struct caller copy;

    caller_copy(&shown, &copy);
    return copy.certificate_names;
}

struct callers_request *callers_prove(struct callers *callers, const struct callers_proof *proof, callers_done_fn *done,
                                      void *arg)
{
    struct callers_request *request = mem_alloc_zero(1, sizeof(*request));

    request->callers = callers;
    request->done = done;
    request->arg = arg;
    request->from = mem_string(proof->from);
    request->caller.certificate_names = copy_certificate(proof->certificate_names);
    if (callers->reviews)
        request->shown = secret_new(proof->token);
    flight_waiter_init(&request->waiter, try_issuer, request);
    begin_proof(request, proof->token);
    return request;
}

struct callers *callers_new(const struct callers_options *options)
{
    struct callers *callers = mem_alloc_zero(1, sizeof(*callers));

    *callers = (struct callers){options->loop, options->reviews, options->issuers, options->issuer_count};
    return callers;
}

void callers_free(struct callers *callers)
{
    mem_free(callers);
}
