// A token that is simply there (in a file, in the environment): given when the loop turns.
#ifndef GITLATCH_FIXED_TOKEN_H
#define GITLATCH_FIXED_TOKEN_H

#include <stdint.h>

#include <gitlatch/attr.h>

#include "source.h"

// A mint for a `struct source_type`: `token` is referenced; `since`: when it was minted, or TOKEN_AGE_UNKNOWN.
struct source_mint *fixed_token_mint(struct source *source, struct secret *token, struct mono since,
                                     const struct mint_scope *scope, source_done_fn *done, void *arg) GL_MUST_CHECK;
void fixed_token_cancel(struct source_mint *mint);

// Whether this can be sent as a token at all; `what` names where it came from.
bool fixed_token_check(struct secret *token, const char *what, struct source_failure *ret_failure) GL_MUST_CHECK;

#endif
