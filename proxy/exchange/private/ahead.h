// What a workspace's first command would wait for, had before it is asked for: the installation, the connections that
// lead to it, and the fetch tokens of rules without a pattern (`token.ahead`).
#ifndef GITLATCH_AHEAD_H
#define GITLATCH_AHEAD_H

#include <stdbool.h>

#include <gitlatch/attr.h>
#include <gitlatch/git_host.h>
#include <gitlatch/token_service.h>

#include "loop.h"
#include "rule_set.h"

struct ahead;

// Each start of each sidecar costs at most so many mints; through a broker they are one for all sidecars of a scope.
#define AHEAD_TOKENS_MAX 4

// `tokens` outlives it. Nothing is asked for before ahead_rules.
struct ahead *ahead_new(struct loop *loop, struct token_service *tokens) GL_MUST_CHECK;
void ahead_free(struct ahead *ahead); // NULL: nothing

// These rules hold from now on, for `host`; what was asked for under the rules before is given up. Asks from the loop, and
// looks at `rules` and `host` until then.
void ahead_rules(struct ahead *ahead, const struct rules *rules, const struct git_host *host);
// Whether nothing is waited for any more: all is there, or cannot be had now.
bool ahead_is_settled(const struct ahead *ahead);

#endif
