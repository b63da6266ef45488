// `gitlatch check --explain --token FILE`: what the grants of a broker say to a caller's token, or to its claims.
#ifndef GITLATCH_CALLER_QUESTION_H
#define GITLATCH_CALLER_QUESTION_H

#include <stdbool.h>
#include <stddef.h>

#include <gitlatch/attr.h>

#include "explanation.h"

struct config;

struct caller_question {
    const char *path; // "-": stdin; NULL: no caller is asked about
    bool is_claims;
};

// Appends to `out` as caller_explanation_append does. The error also says where the file cannot be read.
enum explanation_result caller_question_explain(const struct config *config, const struct caller_question *question,
                                                char *const *words, size_t count, struct text *out,
                                                struct error *ret_error) GL_MUST_CHECK;

#endif
