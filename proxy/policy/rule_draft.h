// The least rules that an audit log needs: `gitlatch check --suggest`.
#ifndef GITLATCH_RULE_DRAFT_H
#define GITLATCH_RULE_DRAFT_H

#include <stdbool.h>

#include <gitlatch/attr.h>

#include "bytes.h"
#include "text.h"

// More refs of one folder than this become `folder/*`.
#define RULE_DRAFT_REFS_MAX 5

struct rule_draft;

struct rule_draft *rule_draft_new(void) GL_MUST_CHECK;
void rule_draft_free(struct rule_draft *draft);

// Takes one line of an audit log. Events that need no rule, and refusals that no rule mends, are passed over.
// False: not a JSON object.
bool rule_draft_add(struct rule_draft *draft, struct bytes line) GL_MUST_CHECK;
// Whether a line was an audit event. A container's output holds gitlatch's log as well, which is passed over.
bool rule_draft_has_events(const struct rule_draft *draft);

// Appends `repositories:` as it is written in a configuration, sorted by name; and `other_hosts:` where a tunnel
// was denied.
void rule_draft_append(const struct rule_draft *draft, struct text *out);

#endif
