// GitHub's 403 to an API call for a permission that the token lacks. Its own words name neither the rule nor the
// permission, so a sentence is added to them.
#ifndef GITLATCH_MISSING_PERMISSION_H
#define GITLATCH_MISSING_PERMISSION_H

#include <stdbool.h>

#include <gitlatch/attr.h>

#include "bytes.h"
#include "config.h"
#include "policy.h"
#include "text.h"

struct missing_permission {
    const struct config *config;
    const struct policy_decision *decision;
    bool granted;          // the rules are a broker's
    struct bytes accepted; // X-Accepted-GitHub-Permissions
};

// Appends which rule it is, and which `permissions` would allow the call.
void missing_permission_append(const struct missing_permission *missing, struct text *out);

// Appends GitHub's JSON with a sentence added to its `message`. False: it is no JSON object with one.
bool missing_permission_amend(struct bytes json, const char *sentence, struct text *out) GL_MUST_CHECK;

#endif
