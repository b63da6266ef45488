// `broker`: narrowed tokens from the cluster's broker, POST /v1/token.
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include <gitlatch/github_host.h>

#include "caller_identity.h"
#include "github_answer.h"
#include "github_failure.h"
#include "loop.h"
#include "mem.h"
#include "source.h"

struct source_broker {
    struct source source;
    struct caller_identity *identity;
};

struct broker_mint {
    struct source_mint mint;
    struct flight_waiter waiter;  // for the identity
    struct http_request *request; // NULL: it waits
    bool names_rejected;          // the question does
};

static bool broker_ready(struct source *source, struct source_failure *ret_failure)
{
    return caller_identity_can(((struct source_broker *)source)->identity, ret_failure);
}

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

static void renamed(const struct broker_mint *broker, const char *name, struct source_failure *failure)
{
    struct bytes owner, rest;
    struct repository_name parsed;

    if (!bytes_cut(bytes_of_string(name), '/', &owner, &rest) || !repository_name_parse(owner, rest, &parsed)) {
        source_failure_set(failure, false, REASON_TOKEN_SOURCE, "the broker's answer names no repository");
        return;
    }
    source_failure_set(failure, true, REASON_RENAMED, "%s/%s is now %s/%s", broker->mint.scope->repository.owner,
                       broker->mint.scope->repository.name, parsed.owner, parsed.name);
    snprintf(failure->verdict.location, sizeof(failure->verdict.location), "%s/%s", parsed.owner, parsed.name);
}

static const char *member(const json_t *root, const char *key)
{
    const char *value = json_string_value(json_object_get(root, key));

    return value ? value : "";
}

static void answer_failure(const struct broker_mint *broker, const struct http_answer *answer, struct wall local,
                           struct source_failure *failure)
{
    const struct source_broker *self = (const struct source_broker *)broker->mint.source;

    if (answer->result != HTTP_ANSWERED) {
        source_failure_transport(caller_identity_url(self->identity), answer, failure);
        return;
    }
    json_t *root =
        json_loadb(answer->body.data ? answer->body.data : "", answer->body.size, JSON_REJECT_DUPLICATES, NULL);
    if (answer->status == 409 && strcmp(member(root, "error"), "renamed") == 0) {
        renamed(broker, member(root, "repository"), failure);
    } else {
        enum reason reason = reason_of(member(root, "error"));
        if (reason == REASON_NONE)
            reason = reason_of_status(answer->status);
        source_failure_set(failure, !is_passing(reason), reason, "the broker answered %d: %.300s", answer->status,
                           member(root, "message"));
        // Where somebody must mend it (a key, a grant), Retry-After is the broker's own holding back towards GitHub: were it
        // obeyed here too, a mended fault would last a minute longer.
        if (!failure->permanent)
            failure->retry_ms = github_failure_retry_ms(answer, local);
    }
    json_decref(root);
}

static void take_token(const struct broker_mint *broker, const struct http_answer *answer, struct wall local)
{
    const struct source_mint *mint = &broker->mint;
    struct error error;
    struct token *token = github_answer_token(answer->body, mint->scope->repository.owner, &error);
    struct source_failure failure;
    struct wall now;

    if (!token) {
        source_failure_set(&failure, false, REASON_TOKEN_SOURCE, "the broker: %s", error.text);
        mint->done(mint->arg, NULL, &failure);
        return;
    }
    if (!github_failure_date(answer, local, &now))
        now = local;
    struct token_scope *granted = &token->granted;
    granted->wide =
        !granted->has_permissions || !(granted->has_repositories || mint->scope->reach == SCOPE_INSTALLATION);
    source_token_set_end(token, mint->source, now);
    source_mint_give(mint, token);
    token_unref(token);
}

static void send_question(struct broker_mint *broker, bool names_rejected);

static void on_answer(void *arg, const struct http_answer *answer)
{
    struct broker_mint broker = *(struct broker_mint *)arg;
    struct wall local = clock_wall(loop_clock(broker.mint.source->loop));
    struct source_failure failure;

    // A broker older than the member refuses what it does not know.
    if (answer->status == 400 && broker.names_rejected) {
        send_question(arg, false);
        return;
    }
    mem_free(arg);
    if (answer->status == 200) {
        take_token(&broker, answer, local);
        return;
    }
    answer_failure(&broker, answer, local, &failure);
    broker.mint.done(broker.mint.arg, NULL, &failure);
}

static json_t *repositories_json(const struct mint_scope *scope)
{
    json_t *names = json_array();

    if (scope->reach == SCOPE_REPOSITORY)
        json_array_append_new(names, json_string(scope->repository.name));
    for (size_t i = 0; i < scope->repository_count; i++)
        json_array_append_new(names, json_string(scope->repositories[i].name.name));
    return names;
}

static char *body_of(const struct mint_scope *scope, bool names_rejected)
{
    json_t *permissions = json_object(), *body;

    for (size_t i = 0; i < scope->permissions.count; i++)
        json_object_set_new(permissions, scope->permissions.items[i].name,
                            json_string(permission_level_name(scope->permissions.items[i].level)));
    body = json_pack("{s:s, s:s, s:o}", "host", scope->host->web, "owner", scope->repository.owner, "permissions",
                     permissions);
    if (scope->reach != SCOPE_INSTALLATION)
        json_object_set_new(body, "repositories", repositories_json(scope));
    if (names_rejected)
        json_object_set_new(body, "rejected", json_string(scope->rejected));
    char *dump = json_dumps(body, JSON_COMPACT);
    char *text = mem_string(dump);
    mem_wiping_free(dump);
    json_decref(body);
    return text;
}

static void send_question(struct broker_mint *broker, bool names_rejected)
{
    struct source_broker *self = (struct source_broker *)broker->mint.source;
    struct http_transport *transport = self->source.transport;
    char *url = mem_format("%s/v1/token", caller_identity_url(self->identity));
    char *body = body_of(broker->mint.scope, names_rejected);
    struct http_call call = caller_identity_call(self->identity, "POST", url, bytes_of_string(body));

    broker->names_rejected = names_rejected;
    broker->request = transport->ask(transport, &call, on_answer, broker);
    mem_free(url);
    mem_free(body);
}

// Called again when an identity that was waited for is there.
static void prove_and_send(void *arg)
{
    struct broker_mint *broker = arg;
    struct source_broker *self = (struct source_broker *)broker->mint.source;
    struct source_failure failure;

    switch (caller_identity_look(self->identity, &broker->waiter, &failure)) {
    case CALLER_IDENTITY_WAITS:
        break;
    case CALLER_IDENTITY_READY:
        send_question(broker, *broker->mint.scope->rejected != '\0');
        break;
    case CALLER_IDENTITY_FAILED: {
        struct source_mint mint = broker->mint;

        mem_free(broker);
        mint.done(mint.arg, NULL, &failure);
        break;
    }
    }
}

static struct source_mint *broker_mint(struct source *source, const struct mint_scope *scope, source_done_fn *done,
                                       void *arg)
{
    struct broker_mint *broker = source_mint_alloc(sizeof(*broker), source, scope, done, arg);
    struct source_broker *self = (struct source_broker *)source;

    flight_waiter_init(&broker->waiter, prove_and_send, broker);
    if (caller_identity_is_ready(self->identity))
        send_question(broker, *scope->rejected != '\0');
    else
        flight_settle(source->loop, &broker->waiter);
    return &broker->mint;
}

static void broker_cancel(struct source_mint *mint)
{
    struct broker_mint *broker = (struct broker_mint *)mint;

    flight_leave(&broker->waiter);
    if (broker->request)
        mint->source->transport->cancel(mint->source->transport, broker->request);
    mem_free(broker);
}

static void broker_free(struct source *source)
{
    struct source_broker *self = (struct source_broker *)source;

    caller_identity_free(self->identity);
    mem_free(self);
}

// One token at the most, and something that proves it.
static const char *broker_problem(const struct credential_options *options, const char **ret_key)
{
    if (options->token_file && options->identity != IDENTITY_NONE) {
        *ret_key = "token_file";
        return "and `identity` both name a token; keep one";
    }
    if (!options->certificate != !options->key) {
        *ret_key = options->key ? "key" : "certificate";
        return "needs the other one too: `certificate` and `key` go together";
    }
    if (!options->token_file && options->identity == IDENTITY_NONE && !options->certificate)
        return "has nothing that proves it: name a `token_file`, an `identity`, or `certificate` and `key`";
    return NULL;
}

extern const struct source_kind source_broker_kind;

static struct source *broker_make(const struct source *base, const struct credential_options *options,
                                  struct error *ret_error)
{
    struct caller_identity *identity = caller_identity_new(base, options, ret_error);

    if (!identity)
        return NULL;
    struct source_broker *self =
        source_alloc(sizeof(*self), base, &source_broker_kind, mem_format("broker %s", caller_identity_name(identity)));
    self->identity = identity;
    return &self->source;
}

const struct source_kind source_broker_kind = {
    .names = SOURCE_NAMES("broker"),
    .needs = {"url"},
    .takes = {"certificate", "identity", "key", "token_file", "trust"},
    .problem = broker_problem,
    .needs_tls = true,
    .gives_rules = true,
    .narrow = true,
    .ready = broker_ready,
    .mint = broker_mint,
    .cancel = broker_cancel,
    .free = broker_free,
    .make = broker_make,
};
