// The table of rule.h at run time: what checks, clears and puts rules together walks over it.
#ifndef GITLATCH_RULE_KEY_H
#define GITLATCH_RULE_KEY_H

#include "rule.h"
#include "rule_type.h"

struct rule_key {
    const char *name;
    const struct rule_type *type;
    size_t offset; // in struct rule
    enum rule_bound bound;
    const char *fallback;
};

extern const struct rule_key rule_keys[RULE_KEY_COUNT];

static inline const void *rule_key_value(const struct rule_key *key, const struct rule *rule)
{
    return (const char *)rule + key->offset;
}

static inline void *rule_key_field(const struct rule_key *key, struct rule *rule)
{
    return (char *)rule + key->offset;
}

#endif
