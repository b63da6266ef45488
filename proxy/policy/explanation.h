// What the rules say to one request, for people: `gitlatch check --explain`.
#ifndef GITLATCH_EXPLANATION_H
#define GITLATCH_EXPLANATION_H

#include <stddef.h>

#include <gitlatch/attr.h>
#include <gitlatch/github_host.h>

#include "error.h"
#include "policy.h"
#include "text.h"

enum explanation_result {
    EXPLANATION_ALLOWED, // with a token, or anonymously
    EXPLANATION_DENIED,
    EXPLANATION_BAD, // the words ask for nothing that is known: see the error
};

// How the words are written, one form a line.
extern const char explanation_usage[];

// Decides by the very functions that decide requests, and appends some lines that say the decision, the rule
// and the token. `words` is as in explanation_usage. `lines`, one for each rule (may be NULL), says where in
// its file it stands.
enum explanation_result explanation_append(const struct rules *rules, const int *lines, const struct git_host *host,
                                           char *const *words, size_t count, struct text *out, struct error *ret_error)
    GL_MUST_CHECK;

#endif
