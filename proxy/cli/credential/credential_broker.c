#include "credential_broker.h"

#include <signal.h>

#include <gitlatch/github_host.h>

#include "caller_identity.h"
#include "config.h"
#include "dial.h"
#include "github_failure.h"
#include "grants.h"
#include "http_client.h"
#include "loop.h"
#include "mem.h"
#include "mint_scope.h"
#include "policy.h"
#include "resolve.h"
#include "secret.h"
#include "source.h"
#include "source_kinds.h"
#include "web_url.h"

// git waits meanwhile, and has other helpers to ask.
#define CONNECT_TIMEOUT_MS (5 * SECOND_MS)
#define TIMEOUT_MS         (20 * SECOND_MS)
// Where the broker asks to come back: so late at most, and once.
#define RETRY_MAX_MS (5 * SECOND_MS)

struct asking {
    struct loop *loop;
    struct resolver *resolver;
    struct dialer dialer;
    struct http_client *client;
    struct github_host host;
    struct caller_identity *identity; // for the rules
    struct flight_waiter waiter;      // for the identity
    struct source *source;            // for the token
    struct http_request *rules;
    struct source_mint *mint;
    struct mint_scope scope;
    struct timer deadline, again;
    bool read_tried, renamed, retried;
    bool ok;
    struct credential_answer answer;
    struct error *error;
};

static void fail(struct asking *asking, const char *sentence)
{
    error_set(asking->error, "%s", sentence);
    loop_stop(asking->loop);
}

// The token.

static void ask_token(void *arg);

// Whether what failed is asked once more, another way.
static bool ask_otherwise(struct asking *asking, const struct source_failure *failure)
{
    struct permissions read = {0};
    struct bytes owner, name;

    if (failure->verdict.reason == REASON_BROKER_DENIED && !asking->read_tried) {
        asking->read_tried = true;
        asking->scope.permissions = read;
        if (!permissions_add(&asking->scope.permissions, BYTES("contents"), PERMISSION_READ))
            return false;
    } else if (failure->verdict.reason == REASON_RENAMED && !asking->renamed) {
        asking->renamed = true;
        bytes_cut(bytes_of_string(failure->verdict.location), '/', &owner, &name);
        if (!repository_name_parse(owner, name, &asking->scope.repository))
            return false;
        asking->answer.renamed = asking->scope.repository;
    } else if (!failure->permanent && failure->retry_ms > 0 && failure->retry_ms <= RETRY_MAX_MS && !asking->retried) {
        asking->retried = true;
        timer_start(&asking->again, failure->retry_ms);
        return true;
    } else {
        return false;
    }
    timer_start(&asking->again, 0);
    return true;
}

static void on_token(void *arg, struct token *token, const struct source_failure *failure)
{
    struct asking *asking = arg;
    struct verdict verdict;

    asking->mint = NULL;
    if (failure) {
        if (!ask_otherwise(asking, failure))
            fail(asking, failure->verdict.sentence);
    } else if (token->granted.wide ||
               !mint_scope_compare(&asking->scope, &token->granted.permissions, token->granted.repositories,
                                   token->granted.repository_count, &verdict)) {
        fail(asking, "the broker's token is wider than what was asked for, and is not used");
    } else {
        asking->answer.token = secret_ref(token->value);
        asking->answer.expires_at = token->expires_at;
        asking->ok = true;
        loop_stop(asking->loop);
    }
}

static void ask_token(void *arg)
{
    struct asking *asking = arg;
    struct source_failure failure;

    if (asking->source->id.kind->ready(asking->source, &failure))
        asking->mint = asking->source->id.kind->mint(asking->source, &asking->scope, on_token, asking);
    else
        fail(asking, failure.verdict.sentence);
}

// The rules: by them no more is asked for than is granted, so that the broker has no refusal to report.

// What is asked for where the rules are not known: write, and read where that is refused.
static bool set_default(struct asking *asking)
{
    return permissions_add(&asking->scope.permissions, BYTES("contents"), PERMISSION_WRITE);
}

static bool set_granted(struct asking *asking, const struct rules *rules)
{
    static const char *const wanted[] = {"contents", "workflows"};
    const struct rule *rule = rules_find(rules, &asking->scope.repository);
    struct permissions granted = {0};

    asking->read_tried = true;
    if (rule)
        grants_permissions(rule, true, &granted);
    for (size_t i = 0; i < GL_ARRAY_SIZE(wanted); i++) {
        struct bytes name = bytes_of_string(wanted[i]);
        enum permission_level level = permissions_level(&granted, name);

        if (level != PERMISSION_NONE && !permissions_add(&asking->scope.permissions, name, level))
            return false;
    }
    return permissions_level(&asking->scope.permissions, BYTES("contents")) != PERMISSION_NONE;
}

static void take_rules(struct asking *asking, struct bytes body)
{
    struct config *config;
    struct error error;
    char *sentence;
    bool granted;

    if (!config_parse(body, "the broker's rules", CONFIG_FOR_RUN, &config, &error)) {
        fail(asking, error.text);
        return;
    }
    granted = set_granted(asking, &config->rules);
    config_unref(config);
    if (granted) {
        ask_token(asking);
        return;
    }
    sentence = mem_format("the broker grants no contents of %s/%s to who shows this token: its audience must be "
                          "" CONFIG_AUDIENCE_CREDENTIAL ", and a grant of that audience name the repository",
                          asking->scope.repository.owner, asking->scope.repository.name);
    fail(asking, sentence);
    mem_free(sentence);
}

static void on_rules(void *arg, const struct http_answer *answer)
{
    struct asking *asking = arg;
    struct source_failure failure;

    asking->rules = NULL;
    if (answer->result != HTTP_ANSWERED) {
        source_failure_transport(caller_identity_url(asking->identity), answer, &failure);
        fail(asking, failure.verdict.sentence);
    } else if (answer->status == 200) {
        take_rules(asking, answer->body);
    } else if (set_default(asking)) {
        ask_token(asking);
    }
}

static void ask_rules(void *arg)
{
    struct asking *asking = arg;
    struct http_transport *transport = http_client_transport(asking->client);
    struct source_failure failure;
    char *url;

    switch (caller_identity_look(asking->identity, &asking->waiter, &failure)) {
    case CALLER_IDENTITY_WAITS:
        return;
    case CALLER_IDENTITY_FAILED:
        fail(asking, failure.verdict.sentence);
        return;
    case CALLER_IDENTITY_READY:
        break;
    }
    url = mem_format("%s/v1/rules", caller_identity_url(asking->identity));
    struct http_call call = caller_identity_call(asking->identity, "GET", url, BYTES(""));
    asking->rules = transport->ask(transport, &call, on_rules, asking);
    mem_free(url);
}

// All of it.

static void on_deadline(void *arg)
{
    fail(arg, "the broker gave no token in time");
}

static bool start(struct asking *asking, const struct credential_broker *broker,
                  const struct credential_question *question)
{
    struct credential_options options = {
        .type = CREDENTIAL_BROKER,
        .url = mem_string(broker->url),
        .token_file = mem_string(broker->token_file),
        .trust = mem_string(broker->trust),
        .identity = broker->github_actions ? IDENTITY_GITHUB_ACTIONS : IDENTITY_NONE,
        .holds_token = true,
        .certificate = mem_string(broker->certificate),
        .key = mem_string(broker->key),
    };
    const enum web_url_kind tls = WEB_URL_TLS;
    struct source base = {.host = &asking->host.git, .loop = asking->loop};
    struct error problem;
    bool ok = false;

    if (!web_url_check(bytes_of_string(broker->url), &tls, &problem)) {
        error_set(asking->error, "the broker's URL %s", problem.text);
    } else if (github_host_init(&asking->host, question->host.text, NULL, NULL, asking->error) &&
               (asking->resolver = resolver_new(asking->loop, RESOLVE_FILES_AND_DNS, NULL, asking->error)) != NULL) {
        asking->dialer =
            (struct dialer){.loop = asking->loop, .resolver = asking->resolver, .timeout_ms = CONNECT_TIMEOUT_MS};
        asking->client = http_client_new(&asking->dialer, asking->error);
        base.transport = asking->client ? http_client_transport(asking->client) : NULL;
        ok = asking->client && (asking->identity = caller_identity_new(&base, &options, asking->error)) != NULL &&
             (asking->source = source_new(&base, &options, asking->error)) != NULL;
        if (ok)
            flight_settle(asking->loop, &asking->waiter);
    }
    mem_free(options.url);
    mem_free(options.token_file);
    mem_free(options.trust);
    mem_free(options.certificate);
    mem_free(options.key);
    return ok;
}

static void stop(struct asking *asking)
{
    timer_stop(&asking->deadline);
    timer_stop(&asking->again);
    if (asking->mint)
        asking->source->id.kind->cancel(asking->mint);
    if (asking->source)
        source_free(asking->source);
    flight_leave(&asking->waiter);
    caller_identity_free(asking->identity);
    http_client_free(asking->client);
    if (asking->resolver)
        resolver_free(asking->resolver);
    github_host_clear(&asking->host);
    loop_free(asking->loop);
}

bool credential_broker_ask(const struct credential_broker *broker, const struct credential_question *question,
                           struct credential_answer *ret_answer, struct error *ret_error)
{
    struct asking asking = {
        .loop = loop_new(clock_real()),
        .error = ret_error,
        .scope = {.host = &asking.host.git, .reach = SCOPE_REPOSITORY, .repository = question->repository},
    };

    signal(SIGPIPE, SIG_IGN);
    secret_protect_process();
    timer_init(&asking.deadline, asking.loop, on_deadline, &asking);
    timer_init(&asking.again, asking.loop, ask_token, &asking);
    flight_waiter_init(&asking.waiter, ask_rules, &asking);
    timer_start(&asking.deadline, TIMEOUT_MS);
    if (start(&asking, broker, question))
        loop_run(asking.loop);
    stop(&asking);
    if (asking.ok)
        *ret_answer = asking.answer;
    return asking.ok;
}
