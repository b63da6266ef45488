// The settings of a rule of `repositories`: the rows of rule.h, and how each of its types is read.
#ifndef GITLATCH_SETTING_RULES_H
#define GITLATCH_SETTING_RULES_H

#include "rule.h"
#include "setting_type.h"

// A list of rules that fills `rules_offset` (a struct rules) and `lines_offset` (an int *) of a structure.
#define SETTING_RULES(structure, rules_member, lines_member)                                                           \
    ((struct setting_entries){                                                                                         \
        .table = {setting_rule_rows, RULE_KEY_COUNT},                                                                  \
        .size = sizeof(struct rule),                                                                                   \
        .count = offsetof(structure, rules_member.count),                                                              \
        .expected = "a list of rules",                                                                                 \
        .finish = setting_rule_finish,                                                                                 \
        .lines = offsetof(structure, lines_member),                                                                    \
    })

extern const struct setting setting_rule_rows[RULE_KEY_COUNT];
bool setting_rule_finish(struct yaml_reader *reader, const yaml_node_t *node, void *entry);

#endif
