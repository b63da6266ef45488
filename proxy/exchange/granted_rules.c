#include "granted_rules.h"

#include <string.h>
#include <sys/queue.h>

#include "caller_identity.h"
#include "config.h"
#include "github_failure.h"
#include "http_client.h"
#include "log.h"
#include "loop.h"
#include "mem.h"

// Asked again after so long; a little less or more, so that the sidecars of a cluster that started
// together do not ask together for ever.
#define ASK_MS    (1 * MINUTE_MS)
#define JITTER_MS (6 * SECOND_MS)
// While the rules are not known yet, and while those that are known could not be asked again.
#define FIRST_RETRY_MS (1 * SECOND_MS)
#define RETRY_MS       (10 * SECOND_MS)

struct granted_request {
    LIST_ENTRY(granted_request) link;
    struct timer deadline;
    struct grantor *grantor;
    granted_done_fn *done;
    void *arg;
};

// One broker, and what it grants.
struct grantor {
    struct granted_rules *all;
    const struct credential_options *options; // the configuration's
    struct caller_identity *identity;
    struct flight_waiter waiter; // for the identity
    char *url;
    struct http_request *asking;
    struct timer next;
    struct ruling *ruling;         // NULL: not known yet, or `silent`
    char *told;                    // the answer that it was made from; NULL: none, or another runtime's
    bool silent;                   // it tells no rules (404), and the own ones hold alone
    struct source_failure failure; // of the last time; reason REASON_NONE: none
    LIST_HEAD(, granted_request) waiting;
};

struct granted_rules {
    struct loop *loop;
    struct config *config;
    struct http_client *client;
    struct grantor *grantors;
    size_t count;
    granted_changed_fn *changed; // NULL: nobody watches
    void *changed_arg;
    uint32_t spread; // changes with each question, for the jitter
};

// Rulings.

struct ruling *ruling_ref(struct ruling *ruling)
{
    ruling->references++;
    return ruling;
}

void ruling_unref(struct ruling *ruling)
{
    if (!ruling || --ruling->references > 0)
        return;
    if (ruling->within)
        rules_clear(&ruling->rules);
    config_unref(ruling->granted);
    mem_free(ruling->why);
    mem_free(ruling);
}

// The configuration's own rules for the grantor's GitHub.
static const struct rules *own_rules(const struct grantor *grantor)
{
    const struct config *config = grantor->all->config;
    const char *web = grantor->options->host ? grantor->options->host : config->githubs[0].host.web;

    return config_served(config, config_served_find(config, bytes_of_string(web))).rules;
}

// NULL: the two cannot be put together.
static struct ruling *ruling_new(const struct grantor *grantor, struct config *granted, struct error *error)
{
    const struct rules *own = own_rules(grantor);
    struct ruling *ruling = mem_alloc_zero(1, sizeof(*ruling));

    *ruling = (struct ruling){.references = 1, .granted = config_ref(granted)};
    if (!own->present) {
        ruling->rules = granted->rules;
        ruling->rules.present = true; // an empty list grants nothing
        ruling->rules.other = own->other;
        return ruling;
    }
    ruling->within = rules_within(own, &granted->rules, &ruling->rules, error);
    if (ruling->within)
        return ruling;
    ruling_unref(ruling);
    return NULL;
}

static bool same_host(const char *a, const char *b)
{
    return !a || !b || strcasecmp(a, b) == 0;
}

static struct grantor *find(const struct granted_rules *granted, const char *web)
{
    for (size_t i = 0; granted && i < granted->count; i++) {
        if (same_host(granted->grantors[i].options->host, web))
            return &granted->grantors[i];
    }
    return NULL;
}

// Those who wait.

static void finish(struct granted_request *request, struct ruling *ruling, const struct verdict *verdict)
{
    granted_done_fn *done = request->done;
    void *arg = request->arg;

    granted_request_cancel(request);
    done(arg, ruling, verdict);
}

static void on_deadline(void *arg)
{
    struct granted_request *request = arg;
    struct verdict verdict = request->grantor->failure.verdict;

    if (verdict.reason == REASON_NONE)
        verdict_set(&verdict, REASON_TOKEN_TIMEOUT, "the broker told no rules within `limits.token`");
    if (verdict.retry_after_s == 0)
        verdict.retry_after_s = 1;
    finish(request, NULL, &verdict);
}

struct granted_request *granted_rules_wait(struct granted_rules *granted, const struct git_host *host,
                                           granted_done_fn *done, void *arg)
{
    struct granted_request *request = mem_alloc_zero(1, sizeof(*request));
    struct grantor *grantor = find(granted, host->web);
    const struct source_failure *failure = &grantor->failure;

    *request = (struct granted_request){.grantor = grantor, .done = done, .arg = arg};
    LIST_INSERT_HEAD(&grantor->waiting, request, link);
    timer_init(&request->deadline, granted->loop, on_deadline, request);
    if (failure->verdict.reason != REASON_NONE && (failure->permanent || granted->config->rules.present))
        timer_start(&request->deadline, 0);
    else
        timer_start(&request->deadline, granted->config->limits.token_ms);
    return request;
}

void granted_request_cancel(struct granted_request *request)
{
    LIST_REMOVE(request, link);
    timer_stop(&request->deadline);
    mem_free(request);
}

// Tells the rules, or with `in_vain` that there are none yet.
static void tell(struct grantor *grantor, bool in_vain)
{
    struct granted_request *request;
    struct ruling *ruling = grantor->ruling ? ruling_ref(grantor->ruling) : NULL;

    while (!LIST_EMPTY(&grantor->waiting) && (ruling || in_vain)) {
        request = LIST_FIRST(&grantor->waiting);
        if (ruling)
            finish(request, ruling, NULL);
        else
            on_deadline(request);
    }
    ruling_unref(ruling);
}

// The question.

static void fail(struct grantor *grantor, struct source_failure failure)
{
    bool own = grantor->all->config->rules.present;

    if (grantor->failure.verdict.reason == REASON_NONE)
        log_warn("rules", "%s; %s", failure.verdict.sentence,
                 grantor->ruling ? "the rules that it told before hold on"
                 : own           ? "the own ones hold alone, and no token of the broker is used"
                                 : "nothing is allowed until it tells them");
    grantor->failure = failure;
    tell(grantor, failure.permanent || own);
    timer_start(&grantor->next, grantor->ruling ? RETRY_MS : FIRST_RETRY_MS);
}

// The rules that hold were told, again or anew.
static void settle(struct grantor *grantor)
{
    if (grantor->failure.verdict.reason != REASON_NONE || !grantor->told)
        log_info("rules", "%s: %zu rules are granted%s%s", grantor->url, grantor->ruling->granted->rules.count,
                 grantor->ruling->why ? ": " : "", grantor->ruling->why ? grantor->ruling->why : "");
    grantor->failure = (struct source_failure){0};
    tell(grantor, false);
    timer_start(&grantor->next, ASK_MS - JITTER_MS + grantor->all->spread++ * 7919 % (2 * JITTER_MS));
}

static bool same_text(const char *a, const char *b)
{
    return strcmp(a ? a : "", b ? b : "") == 0;
}

static void take(struct grantor *grantor, struct bytes body, const char *message)
{
    struct source_failure failure;
    struct config *granted;
    struct error error;
    struct ruling *ruling = NULL;

    if (grantor->ruling && grantor->told && bytes_equal(body, bytes_of_string(grantor->told)) &&
        same_text(grantor->ruling->why, message)) {
        settle(grantor);
        return;
    }
    if (config_parse(body, grantor->url, CONFIG_FOR_RUN, &granted, &error)) {
        ruling = ruling_new(grantor, granted, &error);
        config_unref(granted);
    }
    if (!ruling) {
        source_failure_set(&failure, false, REASON_TOKEN_SOURCE, "the broker's rules cannot be used: %s", error.text);
        fail(grantor, failure);
        return;
    }
    if (ruling->granted->rules.count == 0)
        ruling->why = mem_string(message);
    ruling_unref(grantor->ruling);
    grantor->ruling = ruling;
    settle(grantor);
    mem_free(grantor->told);
    grantor->told = mem_format("%.*s", (int)body.size, body.data);
    if (grantor->all->changed && grantor == grantor->all->grantors)
        grantor->all->changed(grantor->all->changed_arg, &ruling->rules, grantor->options->host);
}

static void on_answer(void *arg, const struct http_answer *answer)
{
    struct grantor *grantor = arg;
    struct source_failure failure;

    grantor->asking = NULL;
    grantor->silent = false;
    if (answer->result != HTTP_ANSWERED) {
        source_failure_transport(caller_identity_url(grantor->identity), answer, &failure);
        fail(grantor, failure);
    } else if (answer->status == 200) {
        take(grantor, answer->body, answer->message);
    } else if (answer->status == 403) {
        take(grantor, BYTES("{\"repositories\":[]}"), NULL); // the caller is known, and granted nothing
    } else {
        bool unproven = answer->status == 401;
        source_failure_set(&failure, unproven, unproven ? REASON_BROKER_DENIED : REASON_TOKEN_SOURCE, "%s answered %d",
                           grantor->url, answer->status);
        grantor->silent = answer->status == 404 && grantor->all->config->rules.present;
        fail(grantor, failure);
    }
}

static void ask(void *arg)
{
    struct grantor *grantor = arg;
    struct http_transport *transport = http_client_transport(grantor->all->client);
    struct source_failure failure;

    switch (caller_identity_look(grantor->identity, &grantor->waiter, &failure)) {
    case CALLER_IDENTITY_WAITS:
        return;
    case CALLER_IDENTITY_FAILED:
        fail(grantor, failure);
        return;
    case CALLER_IDENTITY_READY:
        break;
    }
    const struct http_call call = caller_identity_call(grantor->identity, "GET", grantor->url, BYTES(""));
    grantor->asking = transport->ask(transport, &call, on_answer, grantor);
}

// All of them.

static bool add(struct granted_rules *granted, const struct source *base, const struct credential_options *options,
                struct error *ret_error)
{
    struct grantor *grantor = &granted->grantors[granted->count];

    if (find(granted, options->host))
        return true;
    grantor->identity = caller_identity_new(base, options, ret_error);
    if (!grantor->identity)
        return false;
    flight_waiter_init(&grantor->waiter, ask, grantor);
    grantor->all = granted;
    grantor->options = options;
    grantor->url = mem_format("%s/v1/rules", caller_identity_url(grantor->identity));
    LIST_INIT(&grantor->waiting);
    timer_init(&grantor->next, granted->loop, ask, grantor);
    timer_start(&grantor->next, 0);
    granted->count++;
    return true;
}

bool granted_rules_new(struct loop *loop, const struct dialer *dialer, struct spawner *spawner, struct config *config,
                       struct granted_rules **ret_rules, struct error *ret_error)
{
    struct granted_rules *granted = mem_alloc_zero(1, sizeof(*granted));
    bool ok = true;

    granted->loop = loop;
    granted->config = config_ref(config);
    granted->grantors = mem_alloc_zero(config->credential_count, sizeof(*granted->grantors));
    granted->spread = (uint32_t)clock_wall(loop_clock(loop)).ms;
    for (size_t i = 0; ok && i < config->credential_count; i++) {
        struct source base = {.loop = loop, .spawner = spawner};

        if (!credential_gives_rules(config->credentials[i].type))
            continue;
        ok = granted->client || (granted->client = http_client_new(dialer, ret_error)) != NULL;
        base.transport = ok ? http_client_transport(granted->client) : NULL;
        ok = ok && add(granted, &base, &config->credentials[i], ret_error);
    }
    if (ok && granted->count > 0) {
        *ret_rules = granted;
        return true;
    }
    granted_rules_free(granted);
    *ret_rules = NULL;
    return ok;
}

void granted_rules_watch(struct granted_rules *granted, granted_changed_fn *fn, void *arg)
{
    granted->changed = fn;
    granted->changed_arg = arg;
}

void granted_rules_free(struct granted_rules *granted)
{
    if (!granted)
        return;
    for (size_t i = 0; i < granted->count; i++) {
        timer_stop(&granted->grantors[i].next);
        flight_leave(&granted->grantors[i].waiter);
        caller_identity_free(granted->grantors[i].identity);
        mem_free(granted->grantors[i].url);
        mem_free(granted->grantors[i].told);
        ruling_unref(granted->grantors[i].ruling);
    }
    http_client_free(granted->client);
    mem_free(granted->grantors);
    config_unref(granted->config);
    mem_free(granted);
}

void granted_rules_adopt(struct granted_rules *granted, const struct granted_rules *old)
{
    struct error error;

    for (size_t i = 0; granted && old && i < granted->count; i++) {
        struct grantor *grantor = &granted->grantors[i];
        const struct grantor *before = find(old, grantor->options->host);

        if (before && before->ruling && strcmp(before->url, grantor->url) == 0)
            grantor->ruling = ruling_new(grantor, before->ruling->granted, &error);
        if (grantor->ruling && before)
            grantor->ruling->why = mem_string(before->ruling->why);
    }
}

bool granted_rules_find(const struct granted_rules *granted, const struct git_host *host, struct ruling **ret_ruling)
{
    const struct grantor *grantor = find(granted, host->web);

    *ret_ruling = grantor ? grantor->ruling : NULL;
    return grantor && !grantor->silent;
}
