// Rules within rules: a workspace's own, narrowed to what a broker grants it.
//
// Each pair of an own rule and a granted one that can match the same repository makes one rule, in the order of the own
// rules, then of the granted ones: so the first pair that matches is that of the first rule of each. What cannot be
// written as one rule (two lists of patterns) is left to `within`, which every decision asks as well.
#include "mem.h"
#include "rule_key.h"

// False: no repository matches both.
static bool make_pair(const struct rule *own, const struct rule *granted, struct rule *ret_rule)
{
    struct rule rule = {.within = granted};

    rule_type_match.within(&own->match, &granted->match, &rule.match);
    if (!rule.match)
        return false;
    for (size_t i = 0; i < RULE_KEY_COUNT; i++) {
        const struct rule_key *key = &rule_keys[i];

        if (key->type != &rule_type_match)
            key->type->within(rule_key_value(key, own), rule_key_value(key, granted), rule_key_field(key, &rule));
    }
    *ret_rule = rule;
    return true;
}

bool rules_within(const struct rules *own, const struct rules *granted, struct rules *ret_rules,
                  struct error *ret_error)
{
    struct rules rules = {.present = true, .other = own->other};
    size_t capacity = 0;

    for (size_t i = 0; i < own->count; i++) {
        for (size_t j = 0; j < granted->count; j++) {
            rules.rules = mem_grow(rules.rules, &capacity, rules.count + 1, sizeof(*rules.rules));
            rules.count += make_pair(&own->rules[i], &granted->rules[j], &rules.rules[rules.count]);
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
