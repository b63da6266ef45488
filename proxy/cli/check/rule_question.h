// What is asked to learn whether a rule can ever work: a token for what it names. Pure.
#ifndef GITLATCH_RULE_QUESTION_H
#define GITLATCH_RULE_QUESTION_H

#include <stdbool.h>

#include <gitlatch/attr.h>
#include <gitlatch/permissions.h>
#include <gitlatch/repository_name.h>

#include "policy.h"

struct rule_question {
    struct repository_name name;    // `name.name` is "" where the rule names an owner, but no repository
    struct permissions permissions; // as a fetch needs them; empty stands for {metadata: read}
};

// False: the rule allows nothing, or is a pattern of owners.
bool rule_question(const struct rule *rule, struct rule_question *ret_question) GL_MUST_CHECK;

#endif
