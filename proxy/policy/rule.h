// A rule under `repositories`, and the one table of its keys. CONTRIBUTING.md shows how a key is added.
#ifndef GITLATCH_RULE_H
#define GITLATCH_RULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <gitlatch/attr.h>
#include <gitlatch/permissions.h>
#include <gitlatch/repository_name.h>

#include "bytes.h"
#include "error.h"

// `true`, `false`, or a list of ref patterns (glob.h).
enum ref_set_kind { REF_SET_NONE, REF_SET_ALL, REF_SET_PATTERNS };
struct ref_set {
    enum ref_set_kind kind;
    char **patterns; // REF_SET_PATTERNS: owned
    size_t count;
};

// API path patterns below the repository; NULL: all paths. Owned.
struct path_set {
    char **patterns;
    size_t count;
};

// The types of which keys are made, and what holds their values. What is done with a type's values: rule_type.c
// (checked, cleared, put together), setting_rules.c (read), rule_json.c (written).
#define RULE_TYPE_match       char *             // "owner/name" with `*` within a segment; lower case
#define RULE_TYPE_flag        bool               // true allows something
#define RULE_TYPE_own_flag    bool               // about this configuration's own rules alone: a broker's do not count
#define RULE_TYPE_refs        struct ref_set     //
#define RULE_TYPE_paths       struct path_set    //
#define RULE_TYPE_permissions struct permissions //
#define RULE_TYPE_limit       uint64_t           // bytes; 0: no limit

// What a bare token knows nothing of: who holds the token itself gets none that such a key narrows (broker/grants.c).
enum rule_bound {
    BOUND_NONE,  // GitHub enforces the key by the token's scope
    BOUND_PUSH,  // gitlatch alone enforces it, on pushes
    BOUND_PATHS, // gitlatch alone enforces it, on API calls
};

// KEY(name, type, bound, default as the file would write it, text for the reference), sorted by name. All else follows
// from the row: the member of struct rule, reading it, writing it as JSON, what two rules allow together, the
// reference.
// clang-format off
#define RULE_KEYS(KEY) \
    KEY(accept_bypass, own_flag, BOUND_NONE, "false", \
        "accept `permissions` that go round the ref patterns of `push`") \
    KEY(create, flag, BOUND_PUSH, "true", \
        "false: a push may only update refs that exist") \
    KEY(delete, refs, BOUND_PUSH, "false", \
        "refs that a push may delete") \
    KEY(fetch, flag, BOUND_NONE, "false", \
        "clone, fetch and Git LFS download") \
    KEY(graphql, flag, BOUND_NONE, "false", \
        "GraphQL may be used, with a token for the repositories whose rule says so") \
    KEY(match, match, BOUND_NONE, NULL, \
        "owner/name; * stays within one of the two; case does not matter; of another host: HOST/PATH, such as " \
        "gitlab.corp.example/group/**, where ** crosses segments") \
    KEY(max_pack, limit, BOUND_PUSH, NULL, \
        "a larger pack is cut off and refused; absent: no limit") \
    KEY(paths, paths, BOUND_PATHS, NULL, \
        "API paths below the repository that may be used; absent: all that `permissions` reach") \
    KEY(permissions, permissions, BOUND_NONE, NULL, \
        "of the token for api.github.com, such as {pull_requests: write, issues: read}; absent: what `contents: read` " \
        "reaches there, where the rule may fetch") \
    KEY(push, refs, BOUND_PUSH, "false", \
        "refs that a push may create and update; also opens Git LFS upload")
// clang-format on

struct rule {
#define RULE_MEMBER(name, type, bound, fallback, text) RULE_TYPE_##type name;
    RULE_KEYS(RULE_MEMBER)
#undef RULE_MEMBER
    const struct rule *within; // which has to allow it as well (rules_within); not owned; NULL: none
};

#define RULE_KEY_ONE(name, type, bound, fallback, text) +1
#define RULE_KEY_COUNT                                  (0 RULE_KEYS(RULE_KEY_ONE))

enum other_repositories { OTHER_REPOSITORIES_ANONYMOUS, OTHER_REPOSITORIES_DENY };

struct rules {
    bool present; // false: `repositories` is absent, and whatever the credential reaches is allowed
    struct rule *rules;
    size_t count;
    enum other_repositories other;
    bool exact_case; // names that differ in case are two repositories
};

// What a rule says where the configuration is silent: nothing is allowed, `create` is true. `match` is NULL.
void rule_init(struct rule *rule);
// Whether a rule can stand, else what is wrong with it, beginning with the key: "push: …". Refused are malformed
// patterns, and permissions by which the API can do what `push` forbids to git, without `accept_bypass`.
bool rule_check(const struct rule *rule, struct error *ret_error) GL_MUST_CHECK;
// Whether the API can do with it what ref patterns forbid to git.
bool rule_permission_bypasses(const struct permission *permission);
// Whether a key of this bound allows less than all.
bool rule_is_bound(const struct rule *rule, enum rule_bound bound);
void rules_clear(struct rules *rules);

// Whether the pattern of a rule, behind a host, is `owner/name`, as a GitHub's must be.
bool rule_check_github(const struct rule *rule, struct error *ret_error) GL_MUST_CHECK;

// The first rule that matches; NULL: none. All `rules` are for the repository's host: what a `match` says of one is not
// looked at.
const struct rule *rules_find(const struct rules *rules, const struct repository_name *repository);
// The same by the name that rules know: "owner/name", "group/sub/project".
const struct rule *rules_find_named(const struct rules *rules, struct bytes repository);

// The rules that allow what both `own` and `granted` allow, and nothing else: for each repository the first rule of each
// decides. They refer to `granted`, which outlives them; `other` is own's. Given to rules_clear. Fails where the two
// make more than RULES_WITHIN_MAX pairs that can match one repository.
#define RULES_WITHIN_MAX 4096
bool rules_within(const struct rules *own, const struct rules *granted, struct rules *ret_rules,
                  struct error *ret_error) GL_MUST_CHECK;

#endif
