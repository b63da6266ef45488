// Asks the sources in their order for what one request needs, until one gives a token or refuses.
#ifndef GITLATCH_TOKEN_WALK_H
#define GITLATCH_TOKEN_WALK_H

#include <stdbool.h>
#include <stddef.h>

#include <gitlatch/attr.h>
#include <gitlatch/scope.h>
#include <gitlatch/token_service.h>
#include <gitlatch/verdict.h>

#include "cache.h"
#include "repository_list.h"
#include "source.h"

// What a service has, shared by its walks.
struct token_walk_context {
    struct loop *loop;
    struct source **sources; // in the order in which they are tried
    size_t source_count;
    struct cache *cache;
    struct repository_lists *lists;
};

struct token_walk;

// Exactly one of the two is not NULL, on loan; with a token comes its source.
typedef void token_walk_fn(void *arg, struct token *token, struct source *source, const struct verdict *verdict);

// `scope` is copied. Ends with `done`, or with token_walk_cancel.
struct token_walk *token_walk_start(const struct token_walk_context *context, const struct scope *scope,
                                    token_walk_fn *done, void *arg) GL_MUST_CHECK;

// Exactly one of `listing` and `verdict` is not NULL, on loan.
typedef void token_walk_list_fn(void *arg, const struct token_listing *listing, const struct verdict *verdict);
// Asks the sources of `host` for the repositories of `owner` (may be empty) that they give tokens for. Ends with `done`, or
// with token_walk_cancel.
struct token_walk *token_walk_start_listing(const struct token_walk_context *context, const struct git_host *host,
                                            const char *owner, token_walk_list_fn *done, void *arg) GL_MUST_CHECK;
void token_walk_cancel(struct token_walk *walk);
// The token a walk would end with, if the first source has it at once; on loan. NULL: it takes a walk.
struct token *token_walk_look(const struct token_walk_context *context, const struct scope *scope) GL_MUST_CHECK;
// What the walk has met so far that says more than that time is over; NULL: nothing.
const struct verdict *token_walk_verdict(const struct token_walk *walk);

#endif
