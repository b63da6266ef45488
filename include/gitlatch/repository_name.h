// An owner and a repository, made normal: lower case, one `.git` stripped, no percent-encoding.
#ifndef GITLATCH_REPOSITORY_NAME_H
#define GITLATCH_REPOSITORY_NAME_H

#include <stdbool.h>

#include <gitlatch/attr.h>

#include "bytes.h"

// GitHub allows 39 characters for an owner (Enterprise managed users: a `_shortcode` more) and 100 for a name.
#define OWNER_NAME_SIZE      72
#define REPOSITORY_NAME_SIZE 104

struct repository_name {
    char owner[OWNER_NAME_SIZE];     // [a-z0-9-_], not empty
    char name[REPOSITORY_NAME_SIZE]; // [a-z0-9-_.], not empty, not "." or ".."
};

// Makes the two names normal. False where a name is malformed, or too long.
bool repository_name_parse(struct bytes owner, struct bytes name, struct repository_name *ret_name) GL_MUST_CHECK;
bool repository_name_equal(const struct repository_name *a, const struct repository_name *b);

#endif
