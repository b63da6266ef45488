#include "policy.h"

#include "glob.h"
#include "mem.h"
#include "operation.h"
#include "plain_path.h"
#include "rule_set.h"

static bool ref_set_match(const struct ref_set *set, struct bytes ref)
{
    if (set->kind != REF_SET_PATTERNS)
        return set->kind == REF_SET_ALL;
    for (size_t i = 0; i < set->count; i++)
        if (glob_match(bytes_of_string(set->patterns[i]), ref))
            return true;
    return false;
}

static void deny(struct policy_decision *decision, enum reason reason)
{
    decision->decision = DECISION_DENY;
    verdict_set(&decision->verdict, reason, NULL);
}

// The same, and says which repository or rule.
static void deny_repository(struct policy_decision *decision, enum reason reason, const struct operation *operation)
{
    char text[OPERATION_REPOSITORY_SIZE];
    struct bytes name = operation_repository(operation, text);
    bool github = git_host_is_github(operation->host);

    decision->decision = DECISION_DENY;
    verdict_set(&decision->verdict, reason, "%s: %s%s%.*s", reason_row(reason)->meaning,
                github ? "" : operation->host->web, github ? "" : "/", (int)name.size, name.data);
}

// Where the locks of Git LFS are not for this workspace, "not found" makes git-lfs go on without them.
static void hide_locks(struct policy_decision *decision, const struct operation *operation)
{
    if (decision->decision == DECISION_DENY && operation_traits(operation->kind)->hidden)
        decision->verdict.status = 404;
}

static void grant(struct permissions *permissions, struct bytes name, enum permission_level level)
{
    // A fresh set has room for every name that this module grants.
    if (!permissions_add(permissions, name, level))
        abort();
}

static void allow_contents(struct policy_decision *decision, enum permission_level level)
{
    decision->decision = DECISION_ALLOW;
    decision->scope.permissions.count = 0;
    grant(&decision->scope.permissions, BYTES("contents"), level);
}

static bool pushes(const struct rule *rule)
{
    return rule->push.kind != REF_SET_NONE;
}

static void decide_push(const struct operation *operation, struct policy_decision *decision)
{
    const struct rule *rule = decision->rule;

    if (rule && !pushes(rule) && rule->delete.kind == REF_SET_NONE) {
        deny_repository(decision, REASON_PUSH_DENIED, operation);
        return;
    }
    allow_contents(decision, PERMISSION_WRITE);
    if (rule && permissions_level(&rule->permissions, BYTES("workflows")) >= PERMISSION_WRITE)
        grant(&decision->scope.permissions, BYTES("workflows"), PERMISSION_WRITE);
}

// Whether one of the patterns holds the path, as it is written and as it is decoded: GitHub's parts need not
// agree on which of the two they look at. `x/**` holds `x`, too.
static bool path_allowed(const struct rule *rule, struct bytes path)
{
    char *decoded = mem_alloc(path.size + 1);
    struct bytes plain = plain_path_decode(path, decoded);
    bool allowed = false;

    for (size_t i = 0; i < rule->paths.count && !allowed; i++) {
        struct bytes pattern = bytes_of_string(rule->paths.patterns[i]);
        struct bytes front = pattern;

        if (bytes_end_with(pattern, BYTES("/**")))
            front.size -= BYTES("/**").size;
        allowed = (glob_match(pattern, path) && glob_match(pattern, plain)) ||
                  (glob_match(front, path) && glob_match(front, plain));
    }
    mem_free(decoded);
    return allowed;
}

static bool path_denied(const struct rule *rule, struct bytes path)
{
    while (rule && (!rule->paths.patterns || path_allowed(rule, path)))
        rule = rule->within;
    return rule != NULL;
}

// GitHub then merges the base branch into the pull request's: a ref is written that `push` may not allow, and that the
// call does not name. Source: GitHub REST API, "Update a pull request branch".
static bool writes_unnamed_ref(const struct rule *rule, const struct operation *operation)
{
    char *decoded = mem_alloc(operation->api_path.size + 1);
    struct bytes plain = plain_path_decode(operation->api_path, decoded), pattern = BYTES("pulls/*/update-branch");
    bool writes = !operation->reads && rule->push.kind != REF_SET_ALL && !rule->accept_bypass &&
                  (glob_match_nocase(pattern, operation->api_path) || glob_match_nocase(pattern, plain));

    mem_free(decoded);
    return writes;
}

static void decide_api_repository(const struct operation *operation, struct policy_decision *decision)
{
    const struct rule *rule = decision->rule;

    decision->scope.use = operation->reads ? SCOPE_USE_API_READ : SCOPE_USE_API;
    decision->decision = DECISION_ALLOW;
    if (!rule)
        decision->scope.all_permissions = true;
    else if (!rule->fetch && rule->permissions.count == 0)
        deny_repository(decision, REASON_PERMISSION_DENIED, operation);
    else if (path_denied(rule, operation->api_path))
        deny_repository(decision, REASON_PATH_DENIED, operation);
    else if (writes_unnamed_ref(rule, operation))
        deny_repository(decision, REASON_REF_BYPASS, operation);
    else
        rule_set_permissions(rule, &decision->scope.permissions);
}

static void set_owner(struct scope *scope, struct bytes owner)
{
    struct repository_name parsed;

    if (owner.size && repository_name_parse(owner, BYTES("any"), &parsed))
        memcpy(scope->repository.owner, parsed.owner, sizeof(parsed.owner));
}

// A call that names no repository: a token for a set of repositories of one owner, whose name may be empty
// (the App's only installation).
static void decide_set(const struct rules *rules, enum rule_set_kind kind, struct bytes owner,
                       struct policy_decision *decision)
{
    decision->scope.use = SCOPE_USE_API;
    decision->decision = DECISION_ALLOW;
    set_owner(&decision->scope, owner);
    if (!rules->present) {
        decision->scope.reach = SCOPE_INSTALLATION;
        decision->scope.all_permissions = true;
    } else if (!rule_set_scope(rules, kind, bytes_of_string(decision->scope.repository.owner), &decision->scope)) {
        deny(decision, kind == RULE_SET_GRAPHQL ? REASON_GRAPHQL_DENIED : REASON_PERMISSION_DENIED);
    }
}

static void decide_page(const struct rules *rules, const struct operation *operation, struct policy_decision *decision)
{
    const struct rule *rule = operation->repository.owner[0] ? rules_find(rules, &operation->repository) : NULL;

    decision->decision = DECISION_ANONYMOUS;
    if (!git_host_is_github(operation->host)) {
        if (operation->host->pages_deny)
            deny(decision, REASON_ANONYMOUS_DENIED);
        return;
    }
    if (rules->present && rules->other == OTHER_REPOSITORIES_DENY && !(rule && rule->fetch) && !operation->object)
        deny(decision, REASON_ANONYMOUS_DENIED);
}

// A repository that no rule names. What writes needs a credential: GitHub could only refuse it.
static void decide_other_repository(const struct rules *rules, const struct operation *operation,
                                    struct policy_decision *decision)
{
    decision->decision = DECISION_ANONYMOUS;
    if (operation_traits(operation->kind)->writes || rules->other == OTHER_REPOSITORIES_DENY)
        deny_repository(decision, REASON_REPOSITORY_DENIED, operation);
}

// git and Git LFS: a token with the `contents` of the operation, or the reason why the rule does not allow it.
static void decide_contents(const struct operation *operation, bool allowed, enum reason otherwise,
                            struct policy_decision *decision)
{
    allow_contents(decision, operation_traits(operation->kind)->contents);
    if (!allowed)
        deny_repository(decision, otherwise, operation);
}

// A repository that a rule names, or any where there are no rules.
static void decide_repository(const struct rules *rules, const struct operation *operation,
                              struct policy_decision *decision)
{
    char text[OPERATION_REPOSITORY_SIZE];
    const struct rule *rule = decision->rule =
        rules->present ? rules_find_named(rules, operation_repository(operation, text)) : NULL;
    enum operation_access access = operation_traits(operation->kind)->access;

    if (rules->present && !rule)
        decide_other_repository(rules, operation, decision);
    else if (access == ACCESS_FETCH)
        decide_contents(operation, !rule || rule->fetch, REASON_FETCH_DENIED, decision);
    else if (access == ACCESS_LFS)
        decide_contents(operation, !rule || rule->fetch || pushes(rule), REASON_LFS_DENIED, decision);
    else if (access == ACCESS_LFS_LOCK)
        decide_contents(operation, !rule || pushes(rule), REASON_LFS_DENIED, decision);
    else if (access == ACCESS_PUSH)
        decide_push(operation, decision);
    else
        decide_api_repository(operation, decision);
    hide_locks(decision, operation);
}

void policy_decide(const struct rules *rules, const struct operation *operation, struct policy_decision *ret_decision)
{
    *ret_decision = (struct policy_decision){
        .scope = {.host = operation->host, .ruled = rules->present, .repository = operation->repository},
    };

    switch (operation_traits(operation->kind)->access) {
    case ACCESS_NONE:
        decide_page(rules, operation, ret_decision);
        break;
    case ACCESS_GRAPHQL:
        policy_decide_graphql(rules, operation, bytes_of(NULL, 0), ret_decision);
        break;
    case ACCESS_SET:
        decide_set(rules, RULE_SET_API, bytes_of_string(github_host_of(operation->host)->default_owner), ret_decision);
        break;
    case ACCESS_REPOSITORY_ID:
        deny(ret_decision, REASON_REPOSITORY_ID_UNKNOWN);
        break;
    case ACCESS_FETCH:
    case ACCESS_PUSH:
    case ACCESS_LFS:
    case ACCESS_LFS_LOCK:
    case ACCESS_API:
        decide_repository(rules, operation, ret_decision);
        break;
    }
}

void policy_decide_graphql(const struct rules *rules, const struct operation *operation, struct bytes owner,
                           struct policy_decision *ret_decision)
{
    struct policy_decision decision = {.scope = {.host = operation->host, .ruled = rules->present}};
    char only[OWNER_NAME_SIZE];

    if (owner.size == 0)
        owner = bytes_of_string(rule_set_owner(rules, RULE_SET_GRAPHQL, only));
    if (owner.size == 0)
        owner = bytes_of_string(github_host_of(operation->host)->default_owner);
    decide_set(rules, RULE_SET_GRAPHQL, owner, &decision);
    *ret_decision = decision;
}

static bool deny_ref(struct verdict *verdict, enum reason reason, const struct rule *rule, struct bytes ref)
{
    return verdict_set(verdict, reason, "%s: %.*s (rule %s)", reason_row(reason)->meaning, (int)ref.size, ref.data,
                       rule->match);
}

static bool rule_decide_ref(const struct rule *rule, struct bytes ref, enum ref_change change,
                            struct verdict *ret_verdict)
{
    if (change == REF_DELETE)
        return ref_set_match(&rule->delete, ref) || deny_ref(ret_verdict, REASON_DELETE_DENIED, rule, ref);
    if (!ref_set_match(&rule->push, ref))
        return deny_ref(ret_verdict, pushes(rule) ? REASON_REF_DENIED : REASON_PUSH_DENIED, rule, ref);
    if (change == REF_CREATE && !rule->create)
        return deny_ref(ret_verdict, REASON_CREATE_DENIED, rule, ref);
    return true;
}

// The rule that does not allow it, of this one and those around it, with the verdict; NULL: all do.
static const struct rule *refusing_rule(const struct rule *rule, struct bytes ref, enum ref_change change,
                                        struct verdict *ret_verdict)
{
    while (rule && rule_decide_ref(rule, ref, change, ret_verdict))
        rule = rule->within;
    return rule;
}

bool policy_decide_ref(const struct rule *rule, struct bytes ref, enum ref_change change, struct verdict *ret_verdict)
{
    return !refusing_rule(rule, ref, change, ret_verdict);
}

static const struct ref_set *patterns_of(const struct rule *rule, enum reason reason)
{
    const struct ref_set *set = reason == REASON_DELETE_DENIED ? &rule->delete : &rule->push;

    return set->kind == REF_SET_PATTERNS && reason != REASON_CREATE_DENIED ? set : NULL;
}

void policy_decide_push(const struct rule *rule, const struct push_commands *commands,
                        struct push_decision *ret_decision)
{
    size_t count = push_commands_count(commands);
    struct push_decision decision = {.allowed = true, .reasons = mem_alloc_zero(count, sizeof(*decision.reasons))};

    for (size_t i = 0; i < count; i++) {
        struct push_command command = push_commands_at(commands, i);
        struct verdict verdict;
        const struct rule *refusing = refusing_rule(rule, command.ref, command.change, &verdict);

        if (!refusing)
            continue;
        decision.reasons[i] = verdict.reason;
        if (!decision.allowed)
            continue;
        decision.allowed = false;
        decision.verdict = verdict;
        decision.patterns = patterns_of(refusing, verdict.reason);
    }
    *ret_decision = decision;
}

void push_decision_clear(struct push_decision *decision)
{
    mem_free(decision->reasons);
    *decision = (struct push_decision){0};
}

void policy_decide_lfs(const struct operation *operation, bool write, struct bytes ref,
                       struct policy_decision *decision)
{
    const struct rule *rule = decision->rule;

    if (decision->decision == DECISION_DENY)
        return;
    if (!write) {
        if (rule && !rule->fetch)
            deny_repository(decision, REASON_LFS_DENIED, operation);
        return;
    }
    if (decision->decision == DECISION_ANONYMOUS)
        deny_repository(decision, REASON_REPOSITORY_DENIED, operation);
    else if (rule && !pushes(rule))
        deny_repository(decision, REASON_LFS_DENIED, operation);
    else if (ref.size && !policy_decide_ref(rule, ref, REF_UPDATE, &decision->verdict))
        decision->decision = DECISION_DENY;
    else
        allow_contents(decision, PERMISSION_WRITE);
    hide_locks(decision, operation);
}
