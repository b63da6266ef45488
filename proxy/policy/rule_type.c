#include "rule_type.h"

#include <ctype.h>

#include "glob.h"
#include "mem.h"
#include "rule.h"
#include "rule_match.h"

// Lists of patterns.

static char **copy_list(char *const *list, size_t count)
{
    char **copy = list ? mem_alloc_zero(count, sizeof(*copy)) : NULL;

    for (size_t i = 0; i < count; i++)
        copy[i] = mem_string(list[i]);
    return copy;
}

static void free_list(char **list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        mem_free(list[i]);
    mem_free(list);
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

// Flags.

static bool flag_is_widest(const void *value)
{
    return *(const bool *)value;
}

static void flag_within(const void *own, const void *granted, void *ret_both)
{
    *(bool *)ret_both = *(const bool *)own && *(const bool *)granted;
}

static void own_flag_within(const void *own, const void *granted, void *ret_both)
{
    *(bool *)ret_both = *(const bool *)own;
}

const struct rule_type rule_type_flag = {flag_is_widest, NULL, flag_within, NULL};
const struct rule_type rule_type_own_flag = {flag_is_widest, NULL, own_flag_within, NULL};

// Refs.

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

static bool refs_are_widest(const void *value)
{
    return ((const struct ref_set *)value)->kind == REF_SET_ALL;
}

static bool check_refs(const char *key, const void *value, struct error *ret_error)
{
    const struct ref_set *set = value;

    return check_patterns(key, set->patterns, set->count, ref_pattern_fault, ret_error);
}

static void refs_within(const void *own, const void *granted, void *ret_both)
{
    const struct ref_set *a = own, *b = granted, *narrower = a->kind == REF_SET_ALL ? b : a;
    struct ref_set *both = ret_both;

    *both = (struct ref_set){.kind = REF_SET_NONE};
    if (a->kind != REF_SET_NONE && b->kind != REF_SET_NONE)
        *both = (struct ref_set){
            .kind = narrower->kind,
            .patterns = copy_list(narrower->patterns, narrower->count),
            .count = narrower->count,
        };
}

static void clear_refs(void *value)
{
    struct ref_set *set = value;

    free_list(set->patterns, set->count);
    *set = (struct ref_set){0};
}

const struct rule_type rule_type_refs = {refs_are_widest, check_refs, refs_within, clear_refs};

// Paths.

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

static bool paths_are_widest(const void *value)
{
    return !((const struct path_set *)value)->patterns;
}

static bool check_paths(const char *key, const void *value, struct error *ret_error)
{
    const struct path_set *set = value;

    return check_patterns(key, set->patterns, set->count, path_pattern_fault, ret_error);
}

static void paths_within(const void *own, const void *granted, void *ret_both)
{
    const struct path_set *narrower = paths_are_widest(own) ? granted : own;

    *(struct path_set *)ret_both =
        (struct path_set){.patterns = copy_list(narrower->patterns, narrower->count), .count = narrower->count};
}

static void clear_paths(void *value)
{
    struct path_set *set = value;

    free_list(set->patterns, set->count);
    *set = (struct path_set){0};
}

const struct rule_type rule_type_paths = {paths_are_widest, check_paths, paths_within, clear_paths};

// Permissions.

// No set is the widest: GitHub may make more permissions at any time.
static bool permissions_are_widest(const void *value)
{
    return false;
}

static void permissions_within(const void *own, const void *granted, void *ret_both)
{
    permissions_intersect(own, granted, ret_both);
}

const struct rule_type rule_type_permissions = {permissions_are_widest, NULL, permissions_within, NULL};

// Limits.

static bool limit_is_widest(const void *value)
{
    return *(const uint64_t *)value == 0;
}

static void limit_within(const void *own, const void *granted, void *ret_both)
{
    uint64_t a = *(const uint64_t *)own, b = *(const uint64_t *)granted;

    *(uint64_t *)ret_both = b == 0 || (a != 0 && a < b) ? a : b;
}

const struct rule_type rule_type_limit = {limit_is_widest, NULL, limit_within, NULL};

// Matches.

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

bool rule_type_check_github_match(const char *key, struct bytes pattern, struct error *ret_error)
{
    struct bytes owner, name;

    if (!bytes_cut(pattern, '/', &owner, &name) || !name_pattern_valid(owner) || !name_pattern_valid(name) ||
        bytes_contain(pattern, BYTES("**")))
        return error_set(ret_error, "%s: `%.*s` is not `owner/name`, such as acme/widgets or acme/*", key,
                         (int)pattern.size, pattern.data);
    if (bytes_end_with(name, BYTES(".git")))
        return error_set(ret_error, "%s: `%.*s` never matches: write it without `.git`", key, (int)pattern.size,
                         pattern.data);
    if (bytes_end_with(name, BYTES(".wiki")))
        return error_set(ret_error, "%s: `%.*s` never matches: a wiki is under the rule of its repository", key,
                         (int)pattern.size, pattern.data);
    return true;
}

// A pattern behind a host's name.
static const char *path_match_fault(struct bytes pattern)
{
    if (pattern.size == 0 || bytes_start_with(pattern, BYTES("/")) || bytes_end_with(pattern, BYTES("/")) ||
        bytes_contain(pattern, BYTES("//")))
        return "holds an empty segment";
    if (pattern.size > GLOB_SIZE_MAX)
        return "is longer than 1024 bytes";
    if (bytes_contain(pattern, BYTES("***")))
        return "holds `***`: `*` stays within a segment, `**` crosses segments";
    if (bytes_end_with(pattern, BYTES(".git")))
        return "never matches: write it without `.git`";
    for (size_t i = 0; i < pattern.size; i++)
        if (!isalnum((unsigned char)pattern.data[i]) && !strchr("-_.~+@ */", pattern.data[i]))
            return "holds a character that no repository's name has";
    return NULL;
}

static bool check_match(const char *key, const void *value, struct error *ret_error)
{
    const char *match = *(char *const *)value, *fault;
    struct bytes web, pattern;

    if (!match)
        return error_set(ret_error, "%s: is missing: write `owner/name`, `*` within a segment", key);
    if (!rule_match_split(match, &web, &pattern))
        return rule_type_check_github_match(key, pattern, ret_error);
    fault = path_match_fault(pattern);
    return !fault || error_set(ret_error, "%s: `%s` %s", key, match, fault);
}

// What both patterns of a segment match. `*ret_both` may be wider than that where both hold wildcards. False: nothing.
static bool segment_within(struct bytes own, struct bytes granted, struct bytes *ret_both)
{
    *ret_both = own;
    if (!glob_is_pattern(own))
        return glob_match_nocase(granted, own);
    if (bytes_equal(own, BYTES("*")) || (!glob_is_pattern(granted) && glob_match_nocase(own, granted)))
        *ret_both = granted;
    else
        return glob_is_pattern(granted);
    return true;
}

static bool match_is_widest(const void *value)
{
    return strcmp(*(char *const *)value, "*/*") == 0;
}

static void match_within(const void *own, const void *granted, void *ret_both)
{
    struct bytes own_owner, own_name, granted_owner, granted_name, owner, name, web, own_pattern, granted_pattern;
    char **match = ret_both;

    rule_match_split(*(char *const *)own, &web, &own_pattern);
    rule_match_split(*(char *const *)granted, &web, &granted_pattern);
    bytes_cut(own_pattern, '/', &own_owner, &own_name);
    bytes_cut(granted_pattern, '/', &granted_owner, &granted_name);
    if (segment_within(own_owner, granted_owner, &owner) && segment_within(own_name, granted_name, &name))
        *match = mem_format("%.*s/%.*s", (int)owner.size, owner.data, (int)name.size, name.data);
    else
        *match = NULL;
}

static void clear_match(void *value)
{
    char **match = value;

    mem_free(*match);
    *match = NULL;
}

const struct rule_type rule_type_match = {match_is_widest, check_match, match_within, clear_match};
