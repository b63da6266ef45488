// What rules ask for that an App's installation was not granted: a name that is misspelt, or a level too high. GitHub
// refuses each token that asks for it.
#ifndef GITLATCH_RULE_GRANT_H
#define GITLATCH_RULE_GRANT_H

#include <gitlatch/attr.h>
#include <gitlatch/permissions.h>

#include "policy.h"

// One sentence: which rule, what it lacks, how to mend it. On loan.
typedef void rule_grant_fn(void *arg, const char *text);

// Reports each thing that a rule for this owner's repositories asks for, and `granted` does not hold. `lines`, one for
// each rule (may be NULL), says where in its file it stands.
void rule_grant_compare(const struct rules *rules, const int *lines, const char *owner,
                        const struct permissions *granted, rule_grant_fn *lacks, void *arg);

#endif
