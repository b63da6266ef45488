// Rules within rules: a workspace's own, narrowed to what a broker grants it.
//
// Each pair of an own rule and a granted one that can match the same repository makes one rule, in the order of the own
// rules, then of the granted ones: so the first pair that matches is that of the first rule of each. What cannot be
// written as one rule (two lists of patterns) is left to `within`, which every decision asks as well.
#include "policy.h"

#include "glob.h"
#include "mem.h"

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

// The `match` of a pair; NULL: no repository matches both.
static char *match_within(const struct rule *own, const struct rule *granted)
{
    struct bytes own_owner, own_name, granted_owner, granted_name, owner, name;

    bytes_cut(bytes_of_string(own->match), '/', &own_owner, &own_name);
    bytes_cut(bytes_of_string(granted->match), '/', &granted_owner, &granted_name);
    if (!segment_within(own_owner, granted_owner, &owner) || !segment_within(own_name, granted_name, &name))
        return NULL;
    return mem_format("%.*s/%.*s", (int)owner.size, owner.data, (int)name.size, name.data);
}

static char **copy_list(char *const *list, size_t count)
{
    char **copy = list ? mem_alloc_zero(count, sizeof(*copy)) : NULL;

    for (size_t i = 0; i < count; i++)
        copy[i] = mem_string(list[i]);
    return copy;
}

static struct ref_set refs_within(const struct ref_set *own, const struct ref_set *granted)
{
    const struct ref_set *narrower = own->kind == REF_SET_ALL ? granted : own;
    struct ref_set set = {.kind = narrower->kind};

    if (own->kind == REF_SET_NONE || granted->kind == REF_SET_NONE)
        return (struct ref_set){.kind = REF_SET_NONE};
    set.patterns = copy_list(narrower->patterns, narrower->count);
    set.count = narrower->count;
    return set;
}

static uint64_t limit_within(uint64_t own, uint64_t granted)
{
    if (own == 0 || granted == 0)
        return own + granted;
    return own < granted ? own : granted;
}

static void make_pair(const struct rule *own, const struct rule *granted, char *match, struct rule *ret_rule)
{
    const struct rule *with_paths = own->paths ? own : granted;

    *ret_rule = (struct rule){
        .match = match,
        .fetch = own->fetch && granted->fetch,
        .push = refs_within(&own->push, &granted->push),
        .delete = refs_within(&own->delete, &granted->delete),
        .graphql = own->graphql && granted->graphql,
        .paths = copy_list(with_paths->paths, with_paths->path_count),
        .path_count = with_paths->path_count,
        .create = own->create && granted->create,
        .max_pack = limit_within(own->max_pack, granted->max_pack),
        .accept_bypass = own->accept_bypass,
        .within = granted,
    };
    permissions_intersect(&own->permissions, &granted->permissions, &ret_rule->permissions);
}

bool rules_within(const struct rules *own, const struct rules *granted, struct rules *ret_rules,
                  struct error *ret_error)
{
    struct rules rules = {.present = true, .other = own->other};
    size_t capacity = 0;

    for (size_t i = 0; i < own->count; i++) {
        for (size_t j = 0; j < granted->count; j++) {
            char *match = match_within(&own->rules[i], &granted->rules[j]);

            if (!match)
                continue;
            rules.rules = mem_grow(rules.rules, &capacity, rules.count + 1, sizeof(*rules.rules));
            make_pair(&own->rules[i], &granted->rules[j], match, &rules.rules[rules.count++]);
        }
        if (rules.count > RULES_WITHIN_MAX) {
            rules_clear(&rules);
            return error_set(ret_error, "`repositories` and what the broker grants make more than %d rules together",
                             RULES_WITHIN_MAX);
        }
    }
    *ret_rules = rules;
    return true;
}
