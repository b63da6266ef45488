// Whose installation a GraphQL request is for. The query itself is not read: the token is the fence.
#ifndef GITLATCH_GRAPHQL_BODY_H
#define GITLATCH_GRAPHQL_BODY_H

#include <stdbool.h>

#include <gitlatch/attr.h>
#include <gitlatch/repository_name.h>

#include "bytes.h"

// As far as a body is held back to look for the owner; one that is longer, or not JSON, names none.
#define GRAPHQL_BODY_SIZE_MAX (1 * MIB)

// `variables.owner`, lower case, NUL-terminated. False: none is named.
bool graphql_body_owner(struct bytes json, char ret_owner[OWNER_NAME_SIZE]) GL_MUST_CHECK;

#endif
