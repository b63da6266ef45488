// `broker`: narrowed tokens from the cluster's broker (POST /v1/token), and the names that its grant holds (POST
// /v1/repositories).
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include <gitlatch/github_host.h>

#include "broker_ask.h"
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
    struct broker_ask *ask;
    bool names_rejected; // the question does
};

struct source_listing {
    struct source_broker *self;
    char owner[OWNER_NAME_SIZE];
    source_listed_fn *done;
    void *arg;
    struct broker_ask *ask;
};

static bool broker_ready(struct source *source, struct source_failure *ret_failure)
{
    return caller_identity_can(((struct source_broker *)source)->identity, ret_failure);
}

// The verdict names the new name that a 409 holds. False: the answer is no such one.
static bool read_renamed(const struct mint_scope *scope, const struct http_answer *answer,
                         struct source_failure *ret_failure)
{
    if (answer->result != HTTP_ANSWERED || answer->status != 409)
        return false;
    json_t *root =
        json_loadb(answer->body.data ? answer->body.data : "", answer->body.size, JSON_REJECT_DUPLICATES, NULL);
    const char *error = json_string_value(json_object_get(root, "error"));
    const char *name = json_string_value(json_object_get(root, "repository"));
    bool renamed = error && strcmp(error, "renamed") == 0;
    struct bytes owner, rest;
    struct repository_name parsed;

    if (renamed && name && bytes_cut(bytes_of_string(name), '/', &owner, &rest) &&
        repository_name_parse(owner, rest, &parsed)) {
        source_failure_set(ret_failure, true, REASON_RENAMED, "%s/%s is now %s/%s", scope->repository.owner,
                           scope->repository.name, parsed.owner, parsed.name);
        snprintf(ret_failure->verdict.location, sizeof(ret_failure->verdict.location), "%s/%s", parsed.owner,
                 parsed.name);
    } else if (renamed) {
        source_failure_set(ret_failure, false, REASON_TOKEN_SOURCE, "the broker's answer names no repository");
    }
    json_decref(root);
    return renamed;
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

static void on_answer(void *arg, const struct http_answer *answer, const struct source_failure *failure)
{
    struct broker_mint broker = *(struct broker_mint *)arg;
    const struct source *source = broker.mint.source;
    struct source_failure own;

    // A broker older than the member refuses what it does not know.
    if (answer && answer->status == 400 && broker.names_rejected) {
        send_question(arg, false);
        return;
    }
    mem_free(arg);
    if (answer && answer->status == 200) {
        take_token(&broker, answer, clock_wall(loop_clock(source->loop)));
        return;
    }
    if (answer && !read_renamed(broker.mint.scope, answer, &own))
        broker_ask_failure(source, ((const struct source_broker *)source)->identity, answer, &own);
    broker.mint.done(broker.mint.arg, NULL, answer ? &own : failure);
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
    char *body = body_of(broker->mint.scope, names_rejected);

    broker->names_rejected = names_rejected;
    broker->ask = broker_ask_start(&self->source, self->identity, "/v1/token", body, on_answer, broker);
    mem_free(body);
}

static struct source_mint *broker_mint(struct source *source, const struct mint_scope *scope, source_done_fn *done,
                                       void *arg)
{
    struct broker_mint *broker = source_mint_alloc(sizeof(*broker), source, scope, done, arg);

    send_question(broker, *scope->rejected != '\0');
    return &broker->mint;
}

static void broker_cancel(struct source_mint *mint)
{
    struct broker_mint *broker = (struct broker_mint *)mint;

    broker_ask_cancel(broker->ask);
    mem_free(broker);
}

// The names that are granted.

static void on_page(void *arg, const struct http_answer *answer, const struct source_failure *failure)
{
    struct source_listing listing = *(struct source_listing *)arg;
    struct source_page page = {0};
    struct source_failure own;
    struct error error;

    mem_free(arg);
    if (!answer) {
        listing.done(listing.arg, NULL, failure);
    } else if (answer->status != 200) {
        broker_ask_failure(&listing.self->source, listing.self->identity, answer, &own);
        listing.done(listing.arg, NULL, &own);
    } else if (!github_answer_repositories(answer->body, listing.owner, &page.repositories, &page.count, &page.total,
                                           &error)) {
        source_failure_set(&own, false, REASON_TOKEN_SOURCE, "the broker: %s", error.text);
        listing.done(listing.arg, NULL, &own);
    } else {
        listing.done(listing.arg, &page, NULL);
        mem_free(page.repositories);
    }
}

static struct source_listing *broker_list(struct source *source, const char *owner, unsigned page,
                                          source_listed_fn *done, void *arg)
{
    struct source_broker *self = (struct source_broker *)source;
    struct source_listing *listing = mem_alloc_zero(1, sizeof(*listing));
    json_t *question = json_pack("{s:s, s:s, s:i}", "host", source->host->web, "owner", owner, "page", (int)page);
    char *body = json_dumps(question, JSON_COMPACT);

    *listing = (struct source_listing){.self = self, .done = done, .arg = arg};
    snprintf(listing->owner, sizeof(listing->owner), "%s", owner);
    listing->ask = broker_ask_start(source, self->identity, "/v1/repositories", body, on_page, listing);
    mem_wiping_free(body);
    json_decref(question);
    return listing;
}

static void broker_list_cancel(struct source_listing *listing)
{
    broker_ask_cancel(listing->ask);
    mem_free(listing);
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
    if (options->audience && options->identity != IDENTITY_GITHUB_ACTIONS) {
        *ret_key = "audience";
        return "goes with `identity: github-actions` alone; elsewhere the token has its audience already";
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
    .takes = {"audience", "certificate", "identity", "key", "token_file", "trust"},
    .problem = broker_problem,
    .needs_tls = true,
    .gives_rules = true,
    .narrow = true,
    .ready = broker_ready,
    .mint = broker_mint,
    .cancel = broker_cancel,
    .list = broker_list,
    .list_cancel = broker_list_cancel,
    .free = broker_free,
    .make = broker_make,
};
