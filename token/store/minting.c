#include "minting.h"

#include <stdio.h>
#include <string.h>

#include <gitlatch/github_host.h>

#include "loop.h"
#include "mem.h"
#include "metrics.h"
#include "mint_gate.h"
#include "repository_lookup.h"
#include "text.h"

// With this many of one tenant in the queue it is no use to ask again soon.
#define GATE_FULL_MS (30 * SECOND_MS)
// A name that the list lacks has it asked for again: what was just created, or given to the App, is there within seconds.
#define LIST_AGE_MS (5 * SECOND_MS)
// It may also be an old name, which is asked for at GitHub (a point each, of 900 a minute). Beyond this the list decides alone.
static const struct pace_rate lookup_rate = {.interval_ms = 1 * SECOND_MS, .burst = 10};

struct minting {
    struct minting_context *context;
    struct source *source;
    const struct mint_scope *scope;
    source_done_fn *done;
    void *arg;
    struct mono started;
    struct mint_turn turn;            // at the gate; all zero: it was not waited for
    struct deferred full;             // the gate takes no more
    struct source_mint *mint;         // NULL: the source was not asked yet, or has answered
    struct repository_lookup *lookup; // for a new name; NULL: none under way
    bool tried, looked_up;            // the mint was asked for; the name was looked up
    struct source_failure failure;    // that stands unless the lookup finds a name
    struct repository_list_request *listing;
};

static void leave_gate(struct minting *minting)
{
    deferred_cancel(&minting->full);
    if (minting->context->gate)
        mint_gate_leave(minting->context->gate, &minting->turn);
}

void minting_cancel(struct minting *minting)
{
    leave_gate(minting);
    if (minting->mint)
        minting->source->id.kind->cancel(minting->mint);
    if (minting->lookup)
        repository_lookup_cancel(minting->lookup);
    if (minting->listing)
        repository_list_cancel(minting->listing);
    mem_free(minting);
}

static void tell(const struct minting *minting, struct token *token, const struct source_failure *failure,
                 int64_t duration_ms)
{
    const struct mint_scope *scope = minting->scope;
    char repository[sizeof(struct repository_name) + 2];
    struct text label = {0};

    if (!minting->context->on_mint)
        return;
    mint_scope_label(scope, &label);
    snprintf(repository, sizeof(repository), "%s/%s", scope->repository.owner, scope->repository.name);
    struct token_mint_event event = {
        .source = source_id_name(minting->source->id),
        .scope = text_string(&label),
        .host = scope->host->web,
        .repository = scope->reach == SCOPE_REPOSITORY ? repository : NULL,
        .fingerprint = token ? token->fingerprint : NULL,
        .verdict = failure ? &failure->verdict : NULL,
        .duration_ms = duration_ms,
    };
    minting->context->on_mint(minting->context->on_mint_arg, &event);
    text_free(&label);
}

static void finish(struct minting *minting, struct token *token, const struct source_failure *failure)
{
    int64_t duration_ms = loop_now(minting->source->loop).ms - minting->started.ms;
    const char *const *labels =
        METRIC_LABELS(source_id_name(minting->source->id), failure ? reason_row(failure->verdict.reason)->code : "ok");

    metrics_add(minting->context->metrics, METRIC_TOKEN_MINTS, labels, 1);
    metrics_observe(minting->context->metrics, METRIC_TOKEN_MINT_DURATION, labels, (double)duration_ms / SECOND_MS);
    tell(minting, token, failure, duration_ms);
    minting->done(minting->arg, token, failure);
    mem_free(minting); // `failure` may be its own
}

static void enter_gate(struct minting *minting);

static void on_new_name(void *arg, const struct token_repository *found, bool missing)
{
    struct minting *minting = arg;
    struct permissions none = {0};
    struct verdict renamed;

    minting->lookup = NULL;
    minting->looked_up = true;
    // The comparison says REASON_RENAMED where the name is another; where it is the same, the first failure stands.
    if (found && !mint_scope_compare(minting->scope, &none, found, 1, &renamed)) {
        repository_map_learn(minting->context->map, minting->scope->host, found, 1);
        minting->failure.verdict = renamed;
    } else if (found && !minting->tried) {
        enter_gate(minting); // it is newer than the list, or public
        return;
    }
    finish(minting, NULL, &minting->failure);
}

static void look_up(struct minting *minting)
{
    const struct mint_scope *scope = minting->scope;

    minting->lookup = repository_lookup_start(minting->context->cache, minting->source, scope->repository.owner,
                                              github_call_repository(github_host_of(scope->host), &scope->repository),
                                              on_new_name, minting);
}

static void on_failure(struct minting *minting, const struct source_failure *failure)
{
    const struct mint_scope *scope = minting->scope;

    if (failure->verdict.reason != REASON_NOT_COVERED || scope->reach != SCOPE_REPOSITORY ||
        !minting->source->id.kind->github) {
        finish(minting, NULL, failure);
        return;
    }
    repository_list_distrust(minting->context->lists, minting->source, scope->repository.owner);
    minting->failure = *failure;
    if (minting->looked_up)
        finish(minting, NULL, failure);
    else
        look_up(minting);
}

static void on_token(struct minting *minting, struct token *token)
{
    const struct token_scope *granted = &token->granted;
    struct source_failure failure = {.permanent = true};

    if (!minting->source->id.kind->narrow) {
        finish(minting, token, NULL);
        return;
    }
    repository_map_learn(minting->context->map, minting->scope->host, granted->repositories, granted->repository_count);
    if (granted->wide)
        verdict_set(&failure.verdict, REASON_SCOPE,
                    "what the token grants was not told, or is too much to look at; it is not used");
    else if (mint_scope_compare(minting->scope, &granted->permissions, granted->repositories, granted->repository_count,
                                &failure.verdict)) {
        finish(minting, token, NULL);
        return;
    }
    finish(minting, NULL, &failure);
}

static void on_source(void *arg, struct token *token, const struct source_failure *failure)
{
    struct minting *minting = arg;

    minting->mint = NULL;
    leave_gate(minting); // before a new name is asked for, which may need a turn of its own
    if (token)
        on_token(minting, token);
    else
        on_failure(minting, failure);
}

static void on_turn(void *arg)
{
    struct minting *minting = arg;

    minting->started = loop_now(minting->source->loop);
    minting->tried = true;
    minting->mint = minting->source->id.kind->mint(minting->source, minting->scope, on_source, minting);
}

static void on_full(void *arg)
{
    struct minting *minting = arg;
    struct source_failure failure;

    source_failure_set(&failure, false, REASON_RATE_LIMITED,
                       "more tokens wait to be minted for %s than GitHub's limits allow within minutes",
                       minting->scope->tenant);
    failure.retry_ms = GATE_FULL_MS;
    finish(minting, NULL, &failure);
}

// Where many share GitHub's limits, a turn is waited for.
static void enter_gate(struct minting *minting)
{
    struct mint_gate *gate = minting->source->id.kind->github ? minting->context->gate : NULL;

    if (!gate)
        on_turn(minting);
    else if (!mint_gate_enter(gate, &minting->turn, minting->scope->tenant, on_turn, minting))
        loop_defer(minting->source->loop, &minting->full);
}

static void on_list(void *arg, const struct token_repository *repositories, size_t count,
                    const struct source_failure *failure)
{
    struct minting *minting = arg;
    const struct repository_name *name = &minting->scope->repository;

    minting->listing = NULL;
    if (failure || repository_list_holds(repositories, count, name)) {
        enter_gate(minting);
        return;
    }
    source_failure_set(&minting->failure, true, REASON_NOT_COVERED,
                       "the App's installation for %s covers no repository %s", name->owner, name->name);
    if (pace_take(&minting->context->lookups, &lookup_rate, loop_now(minting->source->loop)))
        look_up(minting);
    else
        finish(minting, NULL, &minting->failure);
}

// A mint for a name that is not there is one of few that an installation has in a minute.
static bool needs_list(struct minting *minting)
{
    const struct mint_scope *scope = minting->scope;

    return scope->reach == SCOPE_REPOSITORY && minting->source->id.kind->github &&
           !repository_list_lets_mint(minting->context->lists, minting->source, &scope->repository);
}

struct minting *minting_start(struct minting_context *context, struct source *source, const struct mint_scope *scope,
                              source_done_fn *done, void *arg)
{
    struct minting *minting = mem_alloc_zero(1, sizeof(*minting));

    *minting = (struct minting){
        .context = context,
        .source = source,
        .scope = scope,
        .done = done,
        .arg = arg,
        .started = loop_now(source->loop),
    };
    deferred_init(&minting->full, on_full, minting);
    if (needs_list(minting))
        minting->listing =
            repository_list_ask_young(context->lists, source, scope->repository.owner, LIST_AGE_MS, on_list, minting);
    else
        enter_gate(minting);
    return minting;
}
