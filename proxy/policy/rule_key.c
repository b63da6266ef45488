#include "rule_key.h"

#define RULE_KEY_ROW(name, type, bound, fallback, text)                                                                \
    {#name, &rule_type_##type, offsetof(struct rule, name), bound, fallback},

const struct rule_key rule_keys[RULE_KEY_COUNT] = {RULE_KEYS(RULE_KEY_ROW)};
