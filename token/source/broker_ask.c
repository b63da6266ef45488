#include "broker_ask.h"

#include <jansson.h>
#include <string.h>

#include "github_failure.h"
#include "loop.h"
#include "mem.h"

struct broker_ask {
    struct source *source;
    struct caller_identity *identity;
    struct flight_waiter waiter;  // for the identity
    struct http_request *request; // NULL: it waits
    char *url, *json;
    broker_ask_fn *done;
    void *arg;
};

// What one of our own brokers may give as `error`: the reasons for which a token could not be had.
static enum reason reason_of(const char *code)
{
    for (enum reason reason = REASON_NO_CREDENTIAL; reason <= REASON_TOKEN_SOURCE; reason++) {
        if (strcmp(reason_row(reason)->code, code) == 0)
            return reason;
    }
    return REASON_NONE;
}

static enum reason reason_of_status(int status)
{
    switch (status) {
    case 401:
    case 403:
        return REASON_BROKER_DENIED;
    case 429:
        return REASON_RATE_LIMITED;
    default:
        return status >= 500 ? REASON_TOKEN_UNREACHABLE : REASON_TOKEN_SOURCE;
    }
}

static bool is_passing(enum reason reason)
{
    return reason == REASON_RATE_LIMITED || reason == REASON_TOKEN_UNREACHABLE || reason == REASON_TOKEN_TIMEOUT ||
           reason == REASON_TOKEN_SOURCE;
}

static const char *member(const json_t *root, const char *key)
{
    const char *value = json_string_value(json_object_get(root, key));

    return value ? value : "";
}

void broker_ask_failure(const struct source *source, const struct caller_identity *identity,
                        const struct http_answer *answer, struct source_failure *ret_failure)
{
    if (answer->result != HTTP_ANSWERED) {
        source_failure_transport(caller_identity_url(identity), answer, ret_failure);
        return;
    }
    json_t *root =
        json_loadb(answer->body.data ? answer->body.data : "", answer->body.size, JSON_REJECT_DUPLICATES, NULL);
    enum reason reason = reason_of(member(root, "error"));
    if (reason == REASON_NONE)
        reason = reason_of_status(answer->status);
    source_failure_set(ret_failure, !is_passing(reason), reason, "the broker answered %d: %.300s", answer->status,
                       member(root, "message"));
    // Where somebody must mend it (a key, a grant), Retry-After is the broker's own holding back towards GitHub: were it
    // obeyed here too, a mended fault would last a minute longer.
    if (!ret_failure->permanent)
        ret_failure->retry_ms = github_failure_retry_ms(answer, clock_wall(loop_clock(source->loop)));
    json_decref(root);
}

static void ask_free(struct broker_ask *ask)
{
    mem_free(ask->url);
    mem_free(ask->json);
    mem_free(ask);
}

void broker_ask_cancel(struct broker_ask *ask)
{
    flight_leave(&ask->waiter);
    if (ask->request)
        ask->source->transport->cancel(ask->source->transport, ask->request);
    ask_free(ask);
}

static void ask_end(struct broker_ask *ask, const struct http_answer *answer, const struct source_failure *failure)
{
    broker_ask_fn *done = ask->done;
    void *arg = ask->arg;

    ask_free(ask);
    done(arg, answer, failure);
}

static void on_answer(void *arg, const struct http_answer *answer)
{
    ask_end(arg, answer, NULL);
}

static void ask_send(struct broker_ask *ask)
{
    struct http_transport *transport = ask->source->transport;
    struct http_call call = caller_identity_call(ask->identity, "POST", ask->url, bytes_of_string(ask->json));

    ask->request = transport->ask(transport, &call, on_answer, ask);
}

// Called again when an identity that was waited for is there.
static void prove_and_send(void *arg)
{
    struct broker_ask *ask = arg;
    struct source_failure failure;

    switch (caller_identity_look(ask->identity, &ask->waiter, &failure)) {
    case CALLER_IDENTITY_WAITS:
        break;
    case CALLER_IDENTITY_READY:
        ask_send(ask);
        break;
    case CALLER_IDENTITY_FAILED:
        ask_end(ask, NULL, &failure);
        break;
    }
}

struct broker_ask *broker_ask_start(struct source *source, struct caller_identity *identity, const char *path,
                                    const char *json, broker_ask_fn *done, void *arg)
{
    struct broker_ask *ask = mem_alloc_zero(1, sizeof(*ask));

    *ask = (struct broker_ask){.source = source, .identity = identity, .done = done, .arg = arg};
    ask->url = mem_format("%s%s", caller_identity_url(identity), path);
    ask->json = mem_string(json);
    flight_waiter_init(&ask->waiter, prove_and_send, ask);
    if (caller_identity_is_ready(identity))
        ask_send(ask);
    else
        flight_settle(source->loop, &ask->waiter);
    return ask;
}
