// What a broker's grants say to one caller, for its operator: `gitlatch check --explain --token FILE`. Pure.
#ifndef GITLATCH_CALLER_EXPLANATION_H
#define GITLATCH_CALLER_EXPLANATION_H

#include <stdbool.h>
#include <stddef.h>

#include <gitlatch/attr.h>

#include "bytes.h"
#include "clock.h"
#include "config.h"
#include "error.h"
#include "explanation.h"
#include "text.h"

struct caller_explanation_question {
    struct bytes shown; // a token, or its claims as a JSON object
    bool is_claims;     // then `iss`, `aud` and `exp` may be absent
    struct wall now;
    char *const *words; // an operation as in explanation_usage
    size_t count;       // 0: only the grants are asked for
};

// Appends a line for each grant that says whether it is the caller's, and if not which claims fail; then what its rules
// say to the operation. EXPLANATION_ALLOWED: a grant is the caller's, and allows the operation. The token's signature is
// not verified.
enum explanation_result caller_explanation_append(const struct config *config,
                                                  const struct caller_explanation_question *question, struct text *out,
                                                  struct error *ret_error) GL_MUST_CHECK;

#endif
