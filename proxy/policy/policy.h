// What the rules of `repositories` decide. Pure: no clock, no network, no globals.
#ifndef GITLATCH_POLICY_H
#define GITLATCH_POLICY_H

#include <stdint.h>

#include <gitlatch/scope.h>
#include <gitlatch/verdict.h>

#include "bytes.h"
#include "push_commands.h"
#include "rule.h"

struct operation;

enum decision { DECISION_ALLOW, DECISION_DENY, DECISION_ANONYMOUS };

struct policy_decision {
    enum decision decision;
    const struct rule *rule; // the one that decided; NULL: none matched
    struct verdict verdict;  // DECISION_DENY
    struct scope scope;      // DECISION_ALLOW: the token to ask for
};

// Decides all that can be decided before the body; the functions below decide the rest (`gate` of operation_traits).
// Rules that are not `present` allow everything: with them `enforce: false` finds the scope of what was
// denied.
void policy_decide(const struct rules *rules, const struct operation *operation, struct policy_decision *ret_decision);

// Decides one command of a push; `rule` NULL: no rules exist, all is allowed.
bool policy_decide_ref(const struct rule *rule, struct bytes ref, enum ref_change change, struct verdict *ret_verdict)
    GL_MUST_CHECK;

// A push decided: its verdict is that of the first command that is not allowed, and `reasons` holds one for
// each command, REASON_NONE for one that would be allowed alone. One forbidden ref refuses all.
struct push_decision {
    bool allowed;
    struct verdict verdict;         // where not allowed
    enum reason *reasons;           // owned; as many as there are commands
    const struct ref_set *patterns; // which the first refused ref does not match; NULL: none to be shown
};
// Decides a push at its flush; to be given to push_decision_clear.
void policy_decide_push(const struct rule *rule, const struct push_commands *commands,
                        struct push_decision *ret_decision);
void push_decision_clear(struct push_decision *decision);

// Decides an LFS batch or lock further by what its body says; `ref` may be empty (not named). `decision` is
// what policy_decide gave: a write raises its scope to contents: write, or turns it to DECISION_DENY.
void policy_decide_lfs(const struct operation *operation, bool write, struct bytes ref,
                       struct policy_decision *decision);

// Decides GraphQL anew once the body was read; `owner` is its `variables.owner`, empty where it names none.
void policy_decide_graphql(const struct rules *rules, const struct operation *operation, struct bytes owner,
                           struct policy_decision *ret_decision);

#endif
