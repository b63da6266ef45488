#include "source.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <gitlatch/github_host.h>

#include "loop.h"
#include "mem.h"

const char *source_id_name(struct source_id id)
{
    return id.kind->names[id.number < SOURCE_NAMED_MAX ? id.number : SOURCE_NAMED_MAX - 1];
}

bool source_id_gives_rules(struct source_id id)
{
    return id.kind->gives_rules;
}

void source_free(struct source *source)
{
    char *identity = source->identity;

    source->id.kind->free(source);
    mem_free(identity);
}

void source_scope_metadata(const struct source *source, const char *owner, struct mint_scope *ret_scope)
{
    if (source->id.kind->narrow)
        mint_scope_init_metadata(ret_scope, source->host, owner);
    else
        mint_scope_init_wide(ret_scope, source->host, source->id.kind->by_owner ? owner : "");
}

void *source_alloc(size_t size, const struct source *base, const struct source_kind *kind, char *identity)
{
    struct source *source = mem_alloc_zero(1, size);

    *source = *base;
    source->id.kind = kind;
    source->identity = identity;
    return source;
}

void *source_mint_alloc(size_t size, struct source *source, const struct mint_scope *scope, source_done_fn *done,
                        void *arg)
{
    struct source_mint *mint = mem_alloc_zero(1, size);

    *mint = (struct source_mint){.source = source, .scope = scope, .done = done, .arg = arg};
    return mint;
}

void source_token_set_end(struct token *token, const struct source *source, struct wall issuer_now)
{
    int64_t life_ms = token->expires_at.ms - issuer_now.ms;

    token_set_life(token, life_ms, loop_clock(source->loop));
    token->minted_at.ms = loop_now(source->loop).ms - (life_ms < HOUR_MS ? HOUR_MS - life_ms : 0);
}

void source_mint_give(const struct source_mint *mint, struct token *token)
{
    struct token_scope *granted = &token->granted;

    token->source = mint->source->id;
    snprintf(granted->host, sizeof(granted->host), "%s", mint->source->host->web);
    memcpy(granted->owner, mint->scope->repository.owner, sizeof(granted->owner));
    mint->done(mint->arg, token, NULL);
}

bool source_failure_set(struct source_failure *failure, bool permanent, enum reason reason, const char *format, ...)
{
    char sentence[VERDICT_SENTENCE_SIZE];
    va_list list;

    va_start(list, format);
    vsnprintf(sentence, sizeof(sentence), format, list);
    va_end(list);
    *failure = (struct source_failure){.permanent = permanent};
    return verdict_set(&failure->verdict, reason, "%s", sentence);
}
