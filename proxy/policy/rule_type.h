// What is done with the values of a rule's keys, by their type (RULE_TYPE_… in rule.h).
#ifndef GITLATCH_RULE_TYPE_H
#define GITLATCH_RULE_TYPE_H

#include "bytes.h"
#include <stdbool.h>

#include <gitlatch/attr.h>

#include "error.h"

struct rule_type {
    // Whether the value forbids nothing.
    bool (*is_widest)(const void *value);
    // What is wrong with it, beginning with the key; NULL: every value can stand.
    bool (*check)(const char *key, const void *value, struct error *ret_error);
    // What both allow; never more than either. What cannot be written as one value is left to `within` of the rule, and
    // the decision asks both.
    void (*within)(const void *own, const void *granted, void *ret_both);
    // Gives back what the value owns; NULL: nothing.
    void (*clear)(void *value);
};

extern const struct rule_type rule_type_flag;
extern const struct rule_type rule_type_own_flag;
extern const struct rule_type rule_type_refs;
extern const struct rule_type rule_type_paths;
extern const struct rule_type rule_type_permissions;
extern const struct rule_type rule_type_limit;
// Whether a pattern is `owner/name`.
bool rule_type_check_github_match(const char *key, struct bytes pattern, struct error *ret_error);

extern const struct rule_type rule_type_match; // within: NULL where no repository matches both

#endif
