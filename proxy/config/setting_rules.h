// The types of which the rules of `repositories` are made, and their table.
#ifndef GITLATCH_SETTING_RULES_H
#define GITLATCH_SETTING_RULES_H

#include "setting_type.h"

extern const struct setting_type setting_ref_set;     // struct ref_set
extern const struct setting_type setting_permissions; // struct permissions

// A list of rules that fills `rules_offset` (a struct rules) and `lines_offset` (an int *) of a structure.
#define SETTING_RULES(structure, rules_member, lines_member)                                                           \
    ((struct setting_entries){                                                                                         \
        .table = {setting_rule_rows, SETTING_RULE_ROWS},                                                               \
        .size = sizeof(struct rule),                                                                                   \
        .count = offsetof(structure, rules_member.count),                                                              \
        .expected = "a list of rules",                                                                                 \
        .finish = setting_rule_finish,                                                                                 \
        .lines = offsetof(structure, lines_member),                                                                    \
    })

#define SETTING_RULE_ROWS 10
extern const struct setting setting_rule_rows[SETTING_RULE_ROWS];
bool setting_rule_finish(struct yaml_reader *reader, const yaml_node_t *node, void *entry);

#endif
