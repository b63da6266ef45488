// A rule as JSON, with the keys of the configuration: what is written here is read again as YAML.
#ifndef GITLATCH_RULE_JSON_H
#define GITLATCH_RULE_JSON_H

#include "rule.h"

struct text;

// Appends one object. What is as if it had not been written is left out.
void rule_json_append(const struct rule *rule, struct text *text);

#endif
