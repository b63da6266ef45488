// The rules of a `gitlatch run` without a configuration: `--repo` and `--push` as the configuration would write them. Pure.
#ifndef GITLATCH_RUN_RULES_H
#define GITLATCH_RUN_RULES_H

#include <stdbool.h>
#include <stddef.h>

#include <gitlatch/attr.h>

#include "error.h"

// As the command line gives them.
struct run_rules {
    const char **repositories; // patterns; none: no rules
    size_t repository_count;
    const char **pushes; // ref patterns, for each of the repositories; without `refs/` they are branches
    size_t push_count;
    const char *permissions; // of each of them, "issues=read,pull_requests=write"; NULL: none
};

// The configuration's text; the caller's (mem_free). "": there are no rules. NULL: they cannot be written, the error says
// why. What is wrong with a pattern is found where the configuration is read.
char *run_rules_text(const struct run_rules *rules, struct error *ret_error) GL_MUST_CHECK;

#endif
