// Who asks the broker, as the cluster has proven it.
#ifndef GITLATCH_CALLER_H
#define GITLATCH_CALLER_H

#include <stdbool.h>

#include <gitlatch/attr.h>

// Owned strings; cleared with caller_clear.
struct caller {
    char *audience; // of the token that was shown: the one whose grants count
    char *namespace;
    char *service_account;
    char *pod; // NULL: the token belongs to no pod
};

void caller_copy(const struct caller *caller, struct caller *ret_copy);
void caller_clear(struct caller *caller);
// Whether it will hold the token itself, where no proxy enforces the rules.
bool caller_is_holder(const struct caller *caller);
// "team-a/workspace/pod-0": tells it from other callers; given to mem_free.
char *caller_key(const struct caller *caller) GL_MUST_CHECK;

#endif
