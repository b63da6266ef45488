#include "policy.h"

#include <ctype.h>

#include "glob.h"
#include "mem.h"

// Permissions by which the API can do what `push` forbids to git (product.md).
static const char *const bypasses[] = {
    "contents", "administration", "secrets", "environments", "actions", "workflows", "repository_hooks",
};

void rule_init(struct rule *rule)
{
    *rule = (struct rule){.create = true};
}

static void free_list(char **list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        mem_free(list[i]);
    mem_free(list);
}

void rules_clear(struct rules *rules)
{
    for (size_t i = 0; i < rules->count; i++) {
        struct rule *rule = &rules->rules[i];

        mem_free(rule->match);
        free_list(rule->push.patterns, rule->push.count);
        free_list(rule->delete.patterns, rule->delete.count);
        free_list(rule->paths, rule->path_count);
    }
    mem_free(rules->rules);
    *rules = (struct rules){0};
}

// What is wrong with any pattern; NULL: nothing.
static const char *pattern_fault(struct bytes pattern)
{
    if (pattern.size == 0)
        return "is empty";
    if (pattern.size > GLOB_SIZE_MAX)
        return "is longer than 1024 bytes";
    for (size_t i = 0; i < pattern.size; i++)
        if ((unsigned char)pattern.data[i] <= ' ' || pattern.data[i] == 0x7f)
            return "holds a space or a control character";
    if (bytes_contain(pattern, BYTES("***")))
        return "holds `***`: `*` stays within a segment, `**` crosses segments";
    if (bytes_contain(pattern, BYTES("//")) || bytes_start_with(pattern, BYTES("/")))
        return "holds an empty segment";
    return NULL;
}

static const char *ref_pattern_fault(struct bytes pattern)
{
    const char *fault = pattern_fault(pattern);

    if (fault)
        return fault;
    for (size_t i = 0; i < pattern.size; i++)
        if (strchr("~^:?[]{}\\!", pattern.data[i]))
            return "holds a character that no ref has; the wildcards are `*` and `**`";
    if (!bytes_start_with(pattern, BYTES("refs/")) && !bytes_start_with(pattern, BYTES("**")))
        return "matches no ref: write it from `refs/` on, as `refs/heads/main`";
    if (bytes_end_with(pattern, BYTES("/")) || bytes_contain(pattern, BYTES("..")))
        return "matches no ref";
    return NULL;
}

static const char *path_pattern_fault(struct bytes pattern)
{
    const char *fault = bytes_start_with(pattern, BYTES("/"))
                            ? "begins with a slash: write what stands below the repository, as `pulls/**`"
                            : pattern_fault(pattern);

    if (fault)
        return fault;
    if (memchr(pattern.data, '%', pattern.size) || memchr(pattern.data, '?', pattern.size))
        return "is matched with the decoded path, without a query";
    return NULL;
}

// One side of `owner/name`.
static bool name_pattern_valid(struct bytes part)
{
    for (size_t i = 0; i < part.size; i++) {
        char c = part.data[i];

        if (!isalnum((unsigned char)c) && !strchr("-_.*", c))
            return false;
    }
    return part.size > 0;
}

static bool check_match(const struct rule *rule, struct error *error)
{
    struct bytes owner, name;

    if (!rule->match)
        return error_set(error, "match: is missing: write `owner/name`, `*` within a segment");
    if (!bytes_cut(bytes_of_string(rule->match), '/', &owner, &name) || !name_pattern_valid(owner) ||
        !name_pattern_valid(name) || strstr(rule->match, "**"))
        return error_set(error, "match: `%s` is not `owner/name`, such as acme/widgets or acme/*", rule->match);
    if (bytes_end_with(name, BYTES(".git")))
        return error_set(error, "match: `%s` never matches: write it without `.git`", rule->match);
    if (bytes_end_with(name, BYTES(".wiki")))
        return error_set(error, "match: `%s` never matches: a wiki is under the rule of its repository", rule->match);
    return true;
}

static bool check_patterns(const char *key, char *const *patterns, size_t count, const char *(*fault)(struct bytes),
                           struct error *error)
{
    for (size_t i = 0; i < count; i++) {
        const char *what = fault(bytes_of_string(patterns[i]));

        if (what)
            return error_set(error, "%s: `%s` %s", key, patterns[i], what);
    }
    return true;
}

// With a list of refs, a permission that writes them by the API makes the list void.
static bool check_bypass(const struct rule *rule, struct error *error)
{
    if (rule->push.kind != REF_SET_PATTERNS || rule->accept_bypass)
        return true;
    for (size_t i = 0; i < GL_ARRAY_SIZE(bypasses); i++)
        if (permissions_level(&rule->permissions, bytes_of_string(bypasses[i])) >= PERMISSION_WRITE)
            return error_set(error,
                             "permissions: `%s: write` goes round the refs of `push`; take it away, or say "
                             "`accept_bypass: true`",
                             bypasses[i]);
    return true;
}

bool rule_check(const struct rule *rule, struct error *ret_error)
{
    return check_match(rule, ret_error) &&
           check_patterns("push", rule->push.patterns, rule->push.count, ref_pattern_fault, ret_error) &&
           check_patterns("delete", rule->delete.patterns, rule->delete.count, ref_pattern_fault, ret_error) &&
           check_patterns("paths", rule->paths, rule->path_count, path_pattern_fault, ret_error) &&
           check_bypass(rule, ret_error);
}
