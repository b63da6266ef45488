#include "rule_set.h"

#include "glob.h"
#include "rule_match.h"

// A rule with `paths` is in no set: a token for many repositories reaches each of their paths (/search, /issues, GraphQL).
static bool in_set(const struct rule *rule, enum rule_set_kind kind)
{
    if (rule->paths.patterns)
        return false;
    return kind == RULE_SET_GRAPHQL ? rule->graphql : rule->permissions.count > 0;
}

static void split_match(const struct rule *rule, struct bytes *ret_owner, struct bytes *ret_name)
{
    struct bytes web, pattern;

    rule_match_split(rule->match, &web, &pattern);
    bytes_cut(pattern, '/', ret_owner, ret_name);
}

static bool of_owner(const struct rule *rule, struct bytes owner)
{
    struct bytes pattern, name;

    split_match(rule, &pattern, &name);
    return owner.size == 0 || glob_match_nocase(pattern, owner);
}

void rule_set_permissions(const struct rule *rule, struct permissions *ret_permissions)
{
    *ret_permissions = rule->permissions;
    // A rule has room for it: PERMISSIONS_MAX bounds what it may name, and contents is one of these names.
    if (rule->fetch && permissions_level(ret_permissions, BYTES("contents")) < PERMISSION_READ &&
        !permissions_add(ret_permissions, BYTES("contents"), PERMISSION_READ))
        *ret_permissions = rule->permissions;
}

static bool includes(const struct rules *rules, enum rule_set_kind kind, const struct repository_name *name)
{
    const struct rule *rule = rules_find(rules, name);

    return rule && in_set(rule, kind);
}

static bool includes_api(const void *rules, const struct repository_name *name)
{
    return includes(rules, RULE_SET_API, name);
}

static bool includes_graphql(const void *rules, const struct repository_name *name)
{
    return includes(rules, RULE_SET_GRAPHQL, name);
}

static bool has_name(const struct repository_name *names, size_t count, const struct repository_name *name)
{
    for (size_t i = 0; i < count; i++)
        if (repository_name_equal(&names[i], name))
            return true;
    return false;
}

static size_t list_names(const struct rules *rules, enum rule_set_kind kind, const char *owner,
                         struct repository_name *ret_names, size_t room)
{
    size_t count = 0;

    for (size_t i = 0; i < rules->count; i++) {
        const struct rule *rule = &rules->rules[i];
        struct repository_name repository;
        struct bytes pattern, name;

        if (!in_set(rule, kind) || !of_owner(rule, bytes_of_string(owner)))
            continue;
        split_match(rule, &pattern, &name);
        if (glob_is_pattern(name) || !repository_name_parse(bytes_of_string(owner), name, &repository))
            return 0;
        if (!includes(rules, kind, &repository) || has_name(ret_names, count, &repository))
            continue;
        if (count == room)
            return 0;
        ret_names[count++] = repository;
    }
    return count;
}

static size_t names_api(const void *rules, const char *owner, struct repository_name *ret_names, size_t room)
{
    return list_names(rules, RULE_SET_API, owner, ret_names, room);
}

static size_t names_graphql(const void *rules, const char *owner, struct repository_name *ret_names, size_t room)
{
    return list_names(rules, RULE_SET_GRAPHQL, owner, ret_names, room);
}

bool rule_set_scope(const struct rules *rules, enum rule_set_kind kind, struct bytes owner, struct scope *ret_scope)
{
    struct permissions all = {0};
    bool any = false;

    for (size_t i = 0; i < rules->count; i++) {
        const struct rule *rule = &rules->rules[i];
        struct permissions own;

        if (!in_set(rule, kind) || !of_owner(rule, owner))
            continue;
        rule_set_permissions(rule, &own);
        if (any) {
            struct permissions before = all;

            permissions_intersect(&before, &own, &all);
        } else {
            all = own;
        }
        any = true;
    }
    if (!any)
        return false;
    ret_scope->reach = SCOPE_SET;
    ret_scope->permissions = all;
    ret_scope->includes = kind == RULE_SET_GRAPHQL ? includes_graphql : includes_api;
    ret_scope->names = kind == RULE_SET_GRAPHQL ? names_graphql : names_api;
    ret_scope->rules = rules;
    return true;
}

const char *rule_set_owner(const struct rules *rules, enum rule_set_kind kind, char ret_owner[OWNER_NAME_SIZE])
{
    bool any = false;

    for (size_t i = 0; i < rules->count; i++) {
        struct repository_name one;
        struct bytes owner, name;

        if (!in_set(&rules->rules[i], kind))
            continue;
        split_match(&rules->rules[i], &owner, &name);
        // A wildcard is no character of a name.
        if (!repository_name_parse(owner, BYTES("any"), &one) || (any && strcmp(ret_owner, one.owner) != 0))
            return NULL;
        memcpy(ret_owner, one.owner, sizeof(one.owner));
        any = true;
    }
    return any ? ret_owner : NULL;
}
