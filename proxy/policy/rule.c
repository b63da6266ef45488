#include "rule.h"

#include "glob.h"
#include "mem.h"
#include "rule_key.h"
#include "rule_match.h"
#include "wire.h"

// Permissions by which the API can do what `push` forbids to git.
static const char *const bypasses[] = {
    "contents", "administration", "secrets", "environments", "actions", "workflows", "repository_hooks",
};

void rule_init(struct rule *rule)
{
    *rule = (struct rule){0};
    for (size_t i = 0; i < RULE_KEY_COUNT; i++) {
        const struct rule_key *key = &rule_keys[i];

        if (key->type == &rule_type_flag || key->type == &rule_type_own_flag)
            *(bool *)rule_key_field(key, rule) = strcmp(key->fallback, "true") == 0;
    }
}

static void rule_clear(struct rule *rule)
{
    for (size_t i = 0; i < RULE_KEY_COUNT; i++)
        if (rule_keys[i].type->clear)
            rule_keys[i].type->clear(rule_key_field(&rule_keys[i], rule));
}

void rules_clear(struct rules *rules)
{
    for (size_t i = 0; i < rules->count; i++)
        rule_clear(&rules->rules[i]);
    mem_free(rules->rules);
    *rules = (struct rules){0};
}

bool rule_is_bound(const struct rule *rule, enum rule_bound bound)
{
    for (size_t i = 0; i < RULE_KEY_COUNT; i++)
        if (rule_keys[i].bound == bound && !rule_keys[i].type->is_widest(rule_key_value(&rule_keys[i], rule)))
            return true;
    return false;
}

bool rule_permission_bypasses(const struct permission *permission)
{
    for (size_t i = 0; i < GL_ARRAY_SIZE(bypasses); i++)
        if (permission->level >= PERMISSION_WRITE && strcmp(permission->name, bypasses[i]) == 0)
            return true;
    return false;
}

// With a list of refs, a permission that writes them by the API makes the list void.
static bool check_bypass(const struct rule *rule, struct error *error)
{
    if (rule->push.kind != REF_SET_PATTERNS || rule->accept_bypass)
        return true;
    for (size_t i = 0; i < rule->permissions.count; i++)
        if (rule_permission_bypasses(&rule->permissions.items[i]))
            return error_set(error,
                             "permissions: `%s: write` goes round the refs of `push`; take it away, or say "
                             "`accept_bypass: true`",
                             rule->permissions.items[i].name);
    return true;
}

// GraphQL names no path that `paths` could be held against.
static bool check_graphql_paths(const struct rule *rule, struct error *error)
{
    if (!rule->graphql || !rule->paths.patterns)
        return true;
    return error_set(error, "paths: GraphQL goes round them; take `graphql: true` away, or `paths`");
}

bool rule_check(const struct rule *rule, struct error *ret_error)
{
    for (size_t i = 0; i < RULE_KEY_COUNT; i++) {
        const struct rule_key *key = &rule_keys[i];

        if (key->type->check && !key->type->check(key->name, rule_key_value(key, rule), ret_error))
            return false;
    }
    return check_graphql_paths(rule, ret_error) && check_bypass(rule, ret_error);
}

bool rule_check_github(const struct rule *rule, struct error *ret_error)
{
    struct bytes web, pattern;

    if (!rule_match_split(rule->match, &web, &pattern))
        return true;
    return rule_type_check_github_match("match", pattern, ret_error);
}

static bool rule_matches(const struct rule *rule, struct bytes repository, bool exact_case)
{
    struct bytes web, pattern;

    rule_match_split(rule->match, &web, &pattern);
    return exact_case ? glob_match(pattern, repository) : glob_match_nocase(pattern, repository);
}

const struct rule *rules_find_named(const struct rules *rules, struct bytes repository)
{
    for (size_t i = 0; i < rules->count; i++) {
        const struct rule *rule = &rules->rules[i];

        while (rule && rule_matches(rule, repository, rules->exact_case))
            rule = rule->within;
        if (!rule)
            return &rules->rules[i];
    }
    return NULL;
}

const struct rule *rules_find(const struct rules *rules, const struct repository_name *repository)
{
    char text[sizeof(*repository)];
    struct wire full = wire_of(text, sizeof(text));

    wire_put(&full, bytes_of_string(repository->owner));
    wire_put(&full, BYTES("/"));
    wire_put(&full, bytes_of_string(repository->name));
    return rules_find_named(rules, bytes_of(text, full.size));
}
