// The rules of `repositories`, and what they decide. Pure: no clock, no network, no globals.
#ifndef GITLATCH_POLICY_H
#define GITLATCH_POLICY_H

#include <stdint.h>

#include <gitlatch/bytes.h>
#include <gitlatch/permissions.h>
#include <gitlatch/repository_name.h>
#include <gitlatch/scope.h>
#include <gitlatch/verdict.h>

struct operation;

// `true`, `false`, or a list of ref patterns: `*` stays within a segment, `**` crosses segments.
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

// Pattern match of whole text; `*` does not cross `/`, `**` does. Case-sensitive (refs).
bool policy_pattern_match(struct bytes pattern, struct bytes text);
// The first rule that matches; NULL: none.
const struct rule *policy_rule(const struct rules *rules, const struct repository_name *repository);

// Decides all that can be told before the body. An LFS batch and a push are decided further by the two below.
void policy_decide(const struct rules *rules, const struct operation *operation, struct policy_decision *ret_decision);

enum ref_change { REF_CREATE, REF_UPDATE, REF_DELETE };
// Decides one command of a push; `rule` NULL: no rules exist, all is allowed.
bool policy_decide_ref(const struct rule *rule, struct bytes ref, enum ref_change change, struct verdict *ret_verdict)
    GL_MUST_CHECK;
// Decides an LFS batch or lock by what its body says; `ref` may be empty (not named). Upload changes the scope to
// contents: write.
bool policy_decide_lfs(const struct rule *rule, bool upload, struct bytes ref, struct verdict *ret_verdict)
    GL_MUST_CHECK;

void rules_clear(struct rules *rules);

#endif
