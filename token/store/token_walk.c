#include "token_walk.h"

#include <stdio.h>
#include <string.h>

#include <gitlatch/github_host.h>

#include "loop.h"
#include "mem.h"

struct token_walk {
    const struct token_walk_context *context;
    struct scope scope;
    token_walk_fn *done;
    token_walk_list_fn *listed; // instead of `done`: a listing is asked for, no token
    void *arg;
    size_t position;        // of the source that is asked, or is next
    bool by_name;           // a set was asked for by the names that the rules hold
    struct verdict verdict; // the most useful failure of those met; REASON_NONE: none yet
    struct deferred step;   // to the source at `position`
    struct repository_list_request *listing;
    struct cache_request *asking;
};

void token_walk_cancel(struct token_walk *walk)
{
    deferred_cancel(&walk->step);
    if (walk->listing)
        repository_list_cancel(walk->listing);
    if (walk->asking)
        cache_cancel(walk->asking);
    mem_free(walk);
}

const struct verdict *token_walk_verdict(const struct token_walk *walk)
{
    return walk->verdict.reason == REASON_NONE ? NULL : &walk->verdict;
}

static void finish(struct token_walk *walk, struct token *token, struct source *source)
{
    struct token_walk ended = *walk;

    token_walk_cancel(walk);
    if (ended.listed)
        ended.listed(ended.arg, NULL, &ended.verdict);
    else
        ended.done(ended.arg, token, source, token ? NULL : &ended.verdict);
}

static void finish_listing(struct token_walk *walk, const struct token_listing *listing)
{
    token_walk_list_fn *listed = walk->listed;
    void *arg = walk->arg;

    token_walk_cancel(walk);
    listed(arg, listing, NULL);
}

// A source is passed over when it is unreachable, rate limited, has no installation for the owner, or is not there at
// all; not when it refused.
static bool is_passed_over(enum reason reason)
{
    return reason == REASON_TOKEN_UNREACHABLE || reason == REASON_RATE_LIMITED || reason == REASON_NOT_INSTALLED ||
           reason == REASON_NO_CREDENTIAL;
}

// The next source of the scope's host, from `*position` on, which is moved to it; NULL: there is none.
static struct source *source_from(const struct token_walk_context *context, const struct scope *scope, size_t *position)
{
    for (; *position < context->source_count; (*position)++) {
        if (strcmp(context->sources[*position]->host->web, scope->host->web) == 0)
            return context->sources[*position];
    }
    return NULL;
}

static struct source *next_source(struct token_walk *walk)
{
    return source_from(walk->context, &walk->scope, &walk->position);
}

// Of several failures the most useful one is shown: what passes with time, then a refusal, then that nothing is
// there.
static int weight(enum reason reason)
{
    switch (reason) {
    case REASON_NONE:
        return 0;
    case REASON_NO_CREDENTIAL:
        return 1;
    case REASON_NOT_INSTALLED:
        return 2;
    default:
        return is_passed_over(reason) ? 4 : 3;
    }
}

// The source at `position` gave none: on to the next, or to the end.
static void fail(struct token_walk *walk, const struct verdict *verdict)
{
    if (weight(verdict->reason) > weight(walk->verdict.reason))
        walk->verdict = *verdict;
    walk->position++;
    const struct source *next = next_source(walk);
    if (next && (is_passed_over(verdict->reason) || next->also_when_refused)) {
        loop_defer(walk->context->loop, &walk->step);
        return;
    }
    finish(walk, NULL, NULL);
}

static void enumerate(struct token_walk *walk, struct source *source);

static void on_token(void *arg, struct token *token, const struct verdict *verdict)
{
    struct token_walk *walk = arg;

    walk->asking = NULL;
    if (token) {
        finish(walk, token, walk->context->sources[walk->position]);
    } else if (walk->by_name && verdict->reason == REASON_NOT_COVERED) {
        // One of the names is not there: the others are found by enumeration.
        walk->by_name = false;
        enumerate(walk, walk->context->sources[walk->position]);
    } else {
        fail(walk, verdict);
    }
}

static void ask(struct token_walk *walk, struct source *source, struct mint_scope *scope)
{
    walk->asking = cache_ask(walk->context->cache, source, scope, on_token, walk);
    mint_scope_clear(scope);
}

// Of what the installation covers, what the rules hold.
static size_t select_repositories(const struct scope *scope, const struct token_repository *all, size_t count,
                                  struct token_repository *selected)
{
    size_t kept = 0;

    for (size_t i = 0; i < count && kept <= MINT_SCOPE_REPOSITORIES_MAX; i++) {
        if (scope->includes(scope->rules, &all[i].name))
            selected[kept++] = all[i];
    }
    return kept;
}

static void on_list(void *arg, const struct token_repository *all, size_t count, const struct source_failure *failure)
{
    struct token_walk *walk = arg;
    struct verdict verdict;
    struct mint_scope mint;

    walk->listing = NULL;
    if (failure) {
        fail(walk, &failure->verdict);
        return;
    }
    if (walk->listed) {
        finish_listing(walk, &(struct token_listing){.repositories = all, .count = count});
        return;
    }
    struct token_repository *selected = mem_alloc((MINT_SCOPE_REPOSITORIES_MAX + 1) * sizeof(*selected));
    size_t kept = select_repositories(&walk->scope, all, count, selected);
    if (kept == 0) {
        verdict_set(&verdict, REASON_NOT_COVERED,
                    "the App's installation for %s covers no repository that the rules name",
                    walk->scope.repository.owner);
        fail(walk, &verdict);
    } else if (kept > MINT_SCOPE_REPOSITORIES_MAX) {
        verdict_set(&verdict, REASON_SET_TOO_LARGE, NULL);
        fail(walk, &verdict);
    } else {
        mint_scope_init(&mint, &walk->scope);
        mint_scope_set(&mint, selected, kept);
        ask(walk, walk->context->sources[walk->position], &mint);
    }
    mem_free(selected);
}

static void enumerate(struct token_walk *walk, struct source *source)
{
    walk->listing = repository_list_ask(walk->context->lists, source, walk->scope.repository.owner, on_list, walk);
}

// Where the rules name the repositories of a set without a pattern, there is nothing to enumerate. False: there is.
static bool ask_by_name(struct token_walk *walk, struct source *source)
{
    const struct scope *scope = &walk->scope;
    struct repository_name *names;
    size_t count;

    if (!scope->names || !*scope->repository.owner)
        return false;
    names = mem_alloc(MINT_SCOPE_REPOSITORIES_MAX * sizeof(*names));
    count = scope->names(scope->rules, scope->repository.owner, names, MINT_SCOPE_REPOSITORIES_MAX);
    walk->by_name = count > 0;
    if (walk->by_name) {
        struct token_repository *set = mem_alloc_zero(count, sizeof(*set));
        struct mint_scope mint;
        for (size_t i = 0; i < count; i++)
            set[i].name = names[i];
        mint_scope_init(&mint, scope);
        mint_scope_set(&mint, set, count);
        mem_free(set);
        ask(walk, source, &mint);
    }
    mem_free(names);
    return walk->by_name;
}

static void try_narrow(struct token_walk *walk, struct source *source)
{
    struct mint_scope mint;

    if (walk->scope.reach == SCOPE_SET) {
        if (!ask_by_name(walk, source))
            enumerate(walk, source);
        return;
    }
    mint_scope_init(&mint, &walk->scope);
    ask(walk, source, &mint);
}

// A token that cannot be narrowed would pass round the rules.
static bool wide_is_refused(const struct scope *scope, const struct source *source)
{
    return scope->ruled && scope->use == SCOPE_USE_API && !source->wide_api;
}

static void init_wide(struct mint_scope *mint, const struct scope *scope, const struct source *source)
{
    mint_scope_init_wide(mint, source->host, source->id.kind->by_owner ? scope->repository.owner : "");
}

static void try_wide(struct token_walk *walk, struct source *source)
{
    struct mint_scope mint;
    struct verdict verdict;

    if (wide_is_refused(&walk->scope, source)) {
        verdict_set(&verdict, REASON_WIDE_TOKEN, NULL);
        fail(walk, &verdict);
        return;
    }
    init_wide(&mint, &walk->scope, source);
    ask(walk, source, &mint);
}

static void try_listing(struct token_walk *walk, struct source *source)
{
    if (source->id.kind->narrow)
        enumerate(walk, source);
    else
        finish_listing(walk, &(struct token_listing){.wide = true});
}

// Whether it is ready. Requests may come many a millisecond: the source looks at its secret's file once in each.
static bool is_ready(struct source *source)
{
    struct mono now = loop_now(source->loop);
    struct source_failure ignored;

    if (source->ready_at.ms == now.ms)
        return true;
    if (!source->id.kind->ready(source, &ignored))
        return false;
    source->ready_at = now;
    return true;
}

struct token *token_walk_look(const struct token_walk_context *context, const struct scope *scope)
{
    size_t position = 0;
    struct source *source = source_from(context, scope, &position);
    struct mint_scope mint;
    struct token *token;

    if (!source || !is_ready(source))
        return NULL;
    if (source->id.kind->narrow ? scope->reach == SCOPE_SET : wide_is_refused(scope, source))
        return NULL;
    if (source->id.kind->narrow)
        mint_scope_init(&mint, scope);
    else
        init_wide(&mint, scope, source);
    token = cache_look(context->cache, source, &mint);
    mint_scope_clear(&mint);
    return token;
}

static void on_step(void *arg)
{
    struct token_walk *walk = arg;
    struct source *source = next_source(walk);
    struct source_failure failure;

    if (!source) {
        verdict_set(&walk->verdict, REASON_NO_CREDENTIAL, NULL);
        finish(walk, NULL, NULL);
    } else if (!source->id.kind->ready(source, &failure)) {
        fail(walk, &failure.verdict);
    } else if (walk->listed) {
        try_listing(walk, source);
    } else if (source->id.kind->narrow) {
        try_narrow(walk, source);
    } else {
        try_wide(walk, source);
    }
}

struct token_walk *token_walk_start(const struct token_walk_context *context, const struct scope *scope,
                                    token_walk_fn *done, void *arg)
{
    struct token_walk *walk = mem_alloc_zero(1, sizeof(*walk));

    *walk = (struct token_walk){.context = context, .scope = *scope, .done = done, .arg = arg};
    deferred_init(&walk->step, on_step, walk);
    loop_defer(context->loop, &walk->step);
    return walk;
}

struct token_walk *token_walk_start_listing(const struct token_walk_context *context, const struct git_host *host,
                                            const char *owner, token_walk_list_fn *done, void *arg)
{
    struct scope scope = {.host = host, .reach = SCOPE_INSTALLATION, .use = SCOPE_USE_API_READ};

    snprintf(scope.repository.owner, sizeof(scope.repository.owner), "%s", owner);
    struct token_walk *walk = token_walk_start(context, &scope, NULL, arg);
    walk->listed = done;
    return walk;
}
