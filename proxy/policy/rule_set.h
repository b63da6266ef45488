// The repositories that rules open to API calls that name none, and to GraphQL.
#ifndef GITLATCH_RULE_SET_H
#define GITLATCH_RULE_SET_H

#include "policy.h"

enum rule_set_kind {
    RULE_SET_API,     // whose rule has `permissions`
    RULE_SET_GRAPHQL, // whose rule says `graphql: true`
};

// Whether a token for the owner's repositories in the set may be asked for: some rule belongs to it. An empty
// owner is any. Fills the scope's reach, callbacks and permissions: what all rules of the set grant.
bool rule_set_scope(const struct rules *rules, enum rule_set_kind kind, struct bytes owner, struct scope *ret_scope)
    GL_MUST_CHECK;
// The one owner whom all rules of the set name; NULL: there are several, or a pattern is among them.
const char *rule_set_owner(const struct rules *rules, enum rule_set_kind kind, char ret_owner[OWNER_NAME_SIZE]);
// What a rule lets the API do: its permissions, and contents: read where it may fetch.
void rule_set_permissions(const struct rule *rule, struct permissions *ret_permissions);

#endif
