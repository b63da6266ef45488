#include "fixed_token.h"

#include "github_answer.h"
#include "loop.h"
#include "mem.h"
#include "secret.h"

struct fixed_mint {
    struct source_mint mint;
    struct deferred deferred;
    struct secret *token;
    struct mono since;
};

void fixed_token_cancel(struct source_mint *mint)
{
    struct fixed_mint *fixed = (struct fixed_mint *)mint;

    deferred_cancel(&fixed->deferred);
    secret_unref(fixed->token);
    mem_free(fixed);
}

static void give(void *arg)
{
    struct fixed_mint *fixed = arg;
    struct source_mint mint = fixed->mint;
    struct token *token = token_new(fixed->token);

    token->minted_at = fixed->since;
    fixed_token_cancel(&fixed->mint);
    source_mint_give(&mint, token);
    token_unref(token);
}

struct source_mint *fixed_token_mint(struct source *source, struct secret *token, struct mono since,
                                     const struct mint_scope *scope, source_done_fn *done, void *arg)
{
    struct fixed_mint *fixed = source_mint_alloc(sizeof(*fixed), source, scope, done, arg);

    fixed->token = secret_ref(token);
    fixed->since = since;
    deferred_init(&fixed->deferred, give, fixed);
    loop_defer(source->loop, &fixed->deferred);
    return &fixed->mint;
}

bool fixed_token_check(struct secret *token, const char *what, struct source_failure *ret_failure)
{
    if (github_token_well_formed(secret_bytes(token)))
        return true;
    return source_failure_set(ret_failure, true, REASON_TOKEN_SOURCE,
                              "%s holds no token: it must be one word of at most %d characters", what,
                              GITHUB_ANSWER_TOKEN_MAX);
}
