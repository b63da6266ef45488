#include "app_call.h"

#include <stdlib.h>

#include "github_failure.h"
#include "loop.h"
#include "mem.h"
#include "metrics.h"
#include "secret.h"

// Where GitHub names no time: "wait at least one minute", then longer each time (GitHub documentation, "Rate limits for
// the REST API").
#define LIMITED_FIRST_MS MINUTE_MS
#define LIMITED_MAX_MS   (15 * MINUTE_MS)

struct app_call {
    struct app_caller *caller;
    struct github_call call;
    app_call_done_fn *done;
    void *arg;
    struct app_key_request *signing; // NULL: the JWT is there
    struct http_request *request;    // NULL: not sent, or answered
    struct deferred limited;
    bool clock_corrected;
};

void app_call_cancel(struct app_call *call)
{
    const struct source *source = call->caller->source;

    if (call->signing)
        app_key_cancel(call->signing);
    if (call->request)
        source->transport->cancel(source->transport, call->request);
    deferred_cancel(&call->limited);
    github_call_clear(&call->call);
    mem_free(call);
}

static void finish(struct app_call *call, const struct http_answer *answer, const struct source_failure *failure)
{
    app_call_done_fn *done = call->done;
    void *arg = call->arg;

    app_call_cancel(call);
    done(arg, answer, failure);
}

static void note_limit(struct app_caller *caller, struct source_failure *failure)
{
    if (failure->verdict.reason != REASON_RATE_LIMITED)
        return;
    int64_t wait_ms = failure->retry_ms;
    if (wait_ms == 0) {
        wait_ms = LIMITED_FIRST_MS << (caller->limited < 4 ? caller->limited : 4);
        wait_ms = wait_ms < LIMITED_MAX_MS ? wait_ms : LIMITED_MAX_MS;
        caller->limited++;
    }
    failure->retry_ms = wait_ms;
    caller->limited_until.ms = loop_now(caller->source->loop).ms + wait_ms;
}

static void note_rate(const struct source *source, const struct http_answer *answer)
{
    if (answer->rate_limit_remaining)
        metrics_set(source->metrics, METRIC_RATE_LIMIT_REMAINING, METRIC_LABELS(source_id_name(source->id)),
                    strtod(answer->rate_limit_remaining, NULL));
}

static void sign_and_send(struct app_call *call);

static void on_answer(void *arg, const struct http_answer *answer)
{
    struct app_call *call = arg;
    struct app_caller *caller = call->caller;
    struct wall local = clock_wall(loop_clock(caller->source->loop)), github;
    struct source_failure failure;

    call->request = NULL;
    note_rate(caller->source, answer);
    if (answer->result == HTTP_ANSWERED && answer->status >= 200 && answer->status < 400) {
        caller->limited = 0;
        finish(call, answer, NULL);
        return;
    }
    github_failure(github_host_of(caller->source->host), answer, local, &failure);
    if (failure.verdict.reason == REASON_CLOCK && !call->clock_corrected &&
        github_failure_date(answer, local, &github)) {
        call->clock_corrected = true;
        app_key_set_clock(caller->key, github);
        sign_and_send(call);
        return;
    }
    note_limit(caller, &failure);
    finish(call, NULL, &failure);
}

static void on_jwt(void *arg, struct secret *jwt, const struct source_failure *failure)
{
    struct app_call *call = arg;
    const struct source *source = call->caller->source;

    call->signing = NULL;
    if (!jwt) {
        finish(call, NULL, failure);
        return;
    }
    struct http_call http = github_call_http(&call->call, secret_bytes(jwt), source->tls);
    call->request = source->transport->ask(source->transport, &http, on_answer, call);
}

static void sign_and_send(struct app_call *call)
{
    call->signing = app_key_jwt(call->caller->key, on_jwt, call);
}

static void on_limited(void *arg)
{
    struct app_call *call = arg;
    struct app_caller *caller = call->caller;
    struct source_failure failure;

    source_failure_set(&failure, false, REASON_RATE_LIMITED, "%s asked to wait",
                       github_host_of(caller->source->host)->api);
    failure.retry_ms = caller->limited_until.ms - loop_now(caller->source->loop).ms;
    failure.retry_ms = failure.retry_ms > 0 ? failure.retry_ms : 1;
    finish(call, NULL, &failure);
}

struct app_call *app_call_start(struct app_caller *caller, struct github_call github_call, app_call_done_fn *done,
                                void *arg)
{
    struct app_call *call = mem_alloc_zero(1, sizeof(*call));

    *call = (struct app_call){.caller = caller, .call = github_call, .done = done, .arg = arg};
    deferred_init(&call->limited, on_limited, call);
    if (loop_now(caller->source->loop).ms < caller->limited_until.ms)
        loop_defer(caller->source->loop, &call->limited);
    else
        sign_and_send(call);
    return call;
}
