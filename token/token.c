#include <gitlatch/token.h>

#include "mem.h"
#include "secret.h"

struct token *token_new(struct secret *value)
{
    struct token *token = mem_alloc_zero(1, sizeof(*token));

    token->references = 1;
    token->value = secret_ref(value);
    secret_fingerprint(value, token->fingerprint);
    token->minted_at = TOKEN_AGE_UNKNOWN;
    token->ends.ms = INT64_MAX;
    token->ends_wall = WALL_NEVER;
    token->expires_at = WALL_NEVER;
    token->granted.wide = true;
    return token;
}

struct token *token_ref(struct token *token)
{
    token->references++;
    return token;
}

void token_unref(struct token *token)
{
    if (!token || --token->references)
        return;
    secret_unref(token->value);
    mem_free(token->granted.repositories);
    mem_free(token);
}

void token_set_life(struct token *token, int64_t life_ms, const struct clock *clock)
{
    if (life_ms == INT64_MAX) {
        token->ends.ms = INT64_MAX;
        token->ends_wall = WALL_NEVER;
        return;
    }
    token->ends.ms = clock_mono(clock).ms + life_ms;
    token->ends_wall.ms = clock_wall(clock).ms + life_ms;
}

int64_t token_left_ms(const struct token *token, const struct clock *clock)
{
    if (token->ends.ms == INT64_MAX)
        return INT64_MAX;
    int64_t left = token->ends.ms - clock_mono(clock).ms;
    int64_t left_wall = token->ends_wall.ms - clock_wall(clock).ms;
    return left < left_wall ? left : left_wall;
}

int64_t token_age_ms(const struct token *token, struct mono now)
{
    return token->minted_at.ms == TOKEN_AGE_UNKNOWN.ms ? INT64_MAX : now.ms - token->minted_at.ms;
}
