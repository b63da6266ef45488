#include "minting.h"

#include <stdio.h>
#include <string.h>

#include <gitlatch/github_host.h>

#include "loop.h"
#include "mem.h"
#include "metrics.h"
#include "repository_lookup.h"
#include "text.h"

struct minting {
    struct minting_context *context;
    struct source *source;
    const struct mint_scope *scope;
    source_done_fn *done;
    void *arg;
    struct mono started;
    struct source_mint *mint;         // NULL: the source has answered
    struct repository_lookup *lookup; // for a new name; NULL: none under way
    struct source_failure failure;    // that stands unless the lookup finds a name
};

void minting_cancel(struct minting *minting)
{
    if (minting->mint)
        minting->source->type->cancel(minting->mint);
    if (minting->lookup)
        repository_lookup_cancel(minting->lookup);
    mem_free(minting);
}

static void tell(const struct minting *minting, const struct source_token *token,
                 const struct source_failure *failure, int64_t duration_ms)
{
    const struct mint_scope *scope = minting->scope;
    char repository[sizeof(struct repository_name) + 2], fingerprint[SECRET_FINGERPRINT_SIZE];
    struct text label = {0};

    if (!minting->context->on_mint)
        return;
    mint_scope_label(scope, &label);
    snprintf(repository, sizeof(repository), "%s/%s", scope->repository.owner, scope->repository.name);
    if (token)
        secret_fingerprint(token->token, fingerprint);
    struct token_mint_event event = {
        .source = minting->source->name,
        .scope = text_string(&label),
        .host = scope->host->web,
        .repository = scope->reach == SCOPE_REPOSITORY ? repository : NULL,
        .fingerprint = token ? fingerprint : NULL,
        .verdict = failure ? &failure->verdict : NULL,
        .duration_ms = duration_ms,
    };
    minting->context->on_mint(minting->context->on_mint_arg, &event);
    text_free(&label);
}

static void finish(struct minting *minting, const struct source_token *token, const struct source_failure *failure)
{
    int64_t duration_ms = loop_now(minting->source->loop).ms - minting->started.ms;
    const char *const *labels =
        METRIC_LABELS(minting->source->name, failure ? reason_row(failure->verdict.reason)->code : "ok");
    source_done_fn *done = minting->done;
    void *arg = minting->arg;

    metrics_add(minting->context->metrics, METRIC_TOKEN_MINTS, labels, 1);
    metrics_observe(minting->context->metrics, METRIC_TOKEN_MINT_DURATION, labels, (double)duration_ms / SECOND_MS);
    tell(minting, token, failure, duration_ms);
    mem_free(minting);
    done(arg, token, failure);
}

static void on_new_name(void *arg, const struct token_repository *found, bool missing)
{
    struct minting *minting = arg;
    struct permissions none = {0};
    struct verdict renamed;

    minting->lookup = NULL;
    // The comparison says REASON_RENAMED where the name is another; where it is the same, the first failure stands.
    if (found && !mint_scope_compare(minting->scope, &none, found, 1, &renamed)) {
        repository_map_learn(minting->context->map, minting->scope->host, found, 1);
        minting->failure.verdict = renamed;
    }
    finish(minting, NULL, &minting->failure);
}

static void on_failure(struct minting *minting, const struct source_failure *failure)
{
    const struct mint_scope *scope = minting->scope;

    if (failure->verdict.reason != REASON_NOT_COVERED || scope->reach != SCOPE_REPOSITORY ||
        !minting->source->type->github) {
        finish(minting, NULL, failure);
        return;
    }
    minting->failure = *failure;
    minting->lookup = repository_lookup_start(minting->context->cache, minting->source, scope->repository.owner,
                                              github_call_repository(scope->host, &scope->repository), on_new_name,
                                              minting);
}

static void on_token(struct minting *minting, const struct source_token *token)
{
    struct source_failure failure = {.permanent = true};

    if (!minting->source->type->narrow) {
        finish(minting, token, NULL);
        return;
    }
    repository_map_learn(minting->context->map, minting->scope->host, token->repositories, token->repository_count);
    if (!token->narrowed)
        verdict_set(&failure.verdict, REASON_SCOPE, "the token came without a word of what it grants; it is not used");
    else if (mint_scope_compare(minting->scope, token->permissions, token->repositories, token->repository_count,
                                &failure.verdict)) {
        finish(minting, token, NULL);
        return;
    }
    finish(minting, NULL, &failure);
}

static void on_source(void *arg, const struct source_token *token, const struct source_failure *failure)
{
    struct minting *minting = arg;

    minting->mint = NULL;
    if (token)
        on_token(minting, token);
    else
        on_failure(minting, failure);
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
    minting->mint = source->type->mint(source, scope, on_source, minting);
    return minting;
}
