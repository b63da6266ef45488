// What a workspace may do here, for the programs and people in it: GET /.well-known/gitlatch, `gitlatch rules`.
#ifndef GITLATCH_WORKSPACE_RULES_H
#define GITLATCH_WORKSPACE_RULES_H

#include <stdbool.h>
#include <stddef.h>

#include <gitlatch/attr.h>

#include "config.h"
#include "text.h"

// A branch that a rule's `push` allows, such as "agent/my-change". False: it allows none.
bool workspace_rules_example(const struct ref_set *push, struct text *out) GL_MUST_CHECK;
// Appends the JSON object. Rules beyond about `size_max` bytes are counted, not named.
void workspace_rules_append(const struct config *config, bool has_broker, size_t size_max, struct text *out);

#endif
