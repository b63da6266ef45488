// The rules of `repositories`, and what they decide. Pure: no clock, no network, no globals.
#ifndef GITLATCH_POLICY_H
#define GITLATCH_POLICY_H

#include <stdint.h>

#include <gitlatch/permissions.h>
#include <gitlatch/repository_name.h>
#include <gitlatch/scope.h>
#include <gitlatch/verdict.h>

#include "bytes.h"
#include "error.h"
#include "push_commands.h"

struct operation;

// `true`, `false`, or a list of ref patterns (glob.h).
enum ref_set_kind { REF_SET_NONE, REF_SET_ALL, REF_SET_PATTERNS };
struct ref_set {
    enum ref_set_kind kind;
    char **patterns; // REF_SET_PATTERNS: owned
    size_t count;
};

struct rule {
    char *match; // "owner/name" with `*` within a segment; lower case
    bool fetch;
    struct ref_set push;   // create and update
    struct ref_set delete; // `delete`
    struct permissions permissions;
    bool graphql;
    char **paths; // API path patterns below the repository; NULL: all that the permissions reach
    size_t path_count;
    bool create;       // false: a push may only update refs that exist
    uint64_t max_pack; // bytes; 0: no limit
    bool accept_bypass;
    const struct rule *within; // which has to allow it as well (rules_within); not owned; NULL: none
};

enum other_repositories { OTHER_REPOSITORIES_ANONYMOUS, OTHER_REPOSITORIES_DENY };

struct rules {
    bool present; // false: `repositories` is absent, and whatever the credential reaches is allowed
    struct rule *rules;
    size_t count;
    enum other_repositories other;
};

enum decision { DECISION_ALLOW, DECISION_DENY, DECISION_ANONYMOUS };

struct policy_decision {
    enum decision decision;
    const struct rule *rule; // the one that decided; NULL: none matched
    struct verdict verdict;  // DECISION_DENY
    struct scope scope;      // DECISION_ALLOW: the token to ask for
};

// What a rule says where the configuration is silent: nothing is allowed, `create` is true. `match` is NULL.
void rule_init(struct rule *rule);
// Whether a rule can stand, else what is wrong with it, beginning with the key: "push: …". Refused are
// malformed patterns, and permissions that go round ref rules (product.md) without `accept_bypass`.
bool rule_check(const struct rule *rule, struct error *ret_error) GL_MUST_CHECK;
void rules_clear(struct rules *rules);

// The rules that allow what both `own` and `granted` allow, and nothing else: for each repository the first rule of each
// decides. They refer to `granted`, which outlives them; `other` is own's. Given to rules_clear. Fails where the two
// make more than RULES_WITHIN_MAX pairs that can match one repository.
#define RULES_WITHIN_MAX 4096
bool rules_within(const struct rules *own, const struct rules *granted, struct rules *ret_rules,
                  struct error *ret_error) GL_MUST_CHECK;

// The first rule that matches; NULL: none.
const struct rule *policy_rule(const struct rules *rules, const struct repository_name *repository);

// Decides all that can be told before the body; the functions below decide the rest (`gate` of operation_traits).
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
