// What an answer means by which GitHub refuses or fails a request. Pure.
#ifndef GITLATCH_GITHUB_REFUSAL_H
#define GITLATCH_GITHUB_REFUSAL_H

#include <stdbool.h>

#include <gitlatch/reason.h>
#include <gitlatch/scope.h>
#include <gitlatch/token.h>

#include "head.h"
#include "operation.h"

// What it counts as where its words are quoted; REASON_NONE: it is no error.
enum reason github_refusal_reason(const struct head *answer);
// What is recorded of it where it is passed on as it is, to a request with this token (NULL: none); REASON_NONE: nothing,
// since a 404 or 422 of the API is an answer like others.
enum reason github_refusal_recorded(const struct head *answer, const struct token *token);

// Whether it is a 403 for a permission that the token lacks, as far as the token's permissions are known.
bool github_refusal_lacks_permission(const struct head *answer, const struct token *token);
// Whether it says why, so that a later answer would be the same: a rate limit, a missing permission.
bool github_refusal_says_why(const struct head *answer, const struct token *token);
// Whether the operation asks for the repository itself, which was there when the token was minted for it.
bool github_refusal_denies_minted(const struct operation *operation, const struct scope *scope,
                                  const struct token *token);

#endif
