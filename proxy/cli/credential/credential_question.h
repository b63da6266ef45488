// What git asks a credential helper for. Pure. Source: git-credential(1), "INPUT/OUTPUT FORMAT"; gitcredentials(7),
// "CUSTOM HELPERS".
#ifndef GITLATCH_CREDENTIAL_QUESTION_H
#define GITLATCH_CREDENTIAL_QUESTION_H

#include <stdbool.h>

#include <gitlatch/attr.h>
#include <gitlatch/repository_name.h>

#include "bytes.h"
#include "error.h"
#include "host_name.h"

struct credential_question {
    struct host_name host;
    struct repository_name repository; // of a wiki, the one that it belongs to
};

// Of `name=value` lines, which end with the input or with an empty line. The error says why no token can be asked for:
// another protocol or port than those of https, no path, a path that names no repository.
bool credential_question_parse(struct bytes input, struct credential_question *ret_question, struct error *ret_error)
    GL_MUST_CHECK;

#endif
