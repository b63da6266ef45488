// Who may ask for what: `broker.grants`. Pure.
//
// A caller's rules are those of all its grants, in the order of the file: the first that matches a repository decides,
// here as in its sidecar.
#ifndef GITLATCH_GRANTS_H
#define GITLATCH_GRANTS_H

#include <stdbool.h>

#include <gitlatch/attr.h>
#include <gitlatch/verdict.h>

#include "caller.h"
#include "config.h"
#include "token_question.h"

// Whether a grant is for this caller: all that it names is proven.
bool grants_is_for(const struct config_grant *grant, const struct caller *caller);

// The rule that decides for a repository, and whether by its grant the caller will hold the token itself; NULL: none does.
const struct rule *grants_rule(const struct config_broker *broker, const struct caller *caller,
                               const struct repository_name *name, bool *ret_holder);

// What a token for a repository of this rule may grant, `metadata: read` aside. `holder`: the caller will hold the token
// himself. Then what only a proxy can enforce (ref patterns, no deletion, no creation, a largest pack) leaves no write
// of contents, and `paths` no permission of the API, for a token knows nothing of them.
void grants_permissions(const struct rule *rule, bool holder, struct permissions *ret_permissions);

// Whether the question is granted; false names what is missing. Without names nothing is: the token would be good for
// repositories that no grant of the caller holds.
bool grants_allow(const struct config_broker *broker, const struct caller *caller,
                  const struct token_question *question, struct verdict *ret_verdict) GL_MUST_CHECK;

// Whether the caller may ask for the names of an owner's repositories: some rule of its grants is for that owner. Fills in
// the owner where none is named and the rules name one alone.
bool grants_allow_listing(const struct config_broker *broker, const struct caller *caller,
                          struct token_question *question, struct verdict *ret_verdict) GL_MUST_CHECK;
// Whether a rule of the caller's grants gives something of this repository: its name is then no secret to the caller.
bool grants_hold(const struct config_broker *broker, const struct caller *caller, const struct repository_name *name);

// Why a caller has no grant at all, where a grant of its issuer wants another claim: appends what that claim is, for its
// owner. Appends nothing for a caller that has one, or whose issuer no grant names.
void grants_explain_none(const struct config_broker *broker, const struct caller *caller, struct text *text);

// Appends `{"repositories":[…]}`: the caller's rules with the configuration's keys.
void grants_describe(const struct config_broker *broker, const struct caller *caller, struct text *text);

#endif
