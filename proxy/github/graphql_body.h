// Whose installation a GraphQL request is for. The query itself is not read: the token is the fence.
#ifndef GITLATCH_GRAPHQL_BODY_H
#define GITLATCH_GRAPHQL_BODY_H

#include <stddef.h>
#include <stdint.h>

#include <gitlatch/repository_name.h>

#include "bytes.h"

// As far as a body is held back to look for the owner; one that is longer, or not JSON, names none.
#define GRAPHQL_BODY_SIZE_MAX (1 * MIB)
// A mutation names one node or two.
#define GRAPHQL_BODY_IDS_MAX 8

struct graphql_hint {
    char owner[OWNER_NAME_SIZE];                   // `variables.owner`, lower case; "": none is named
    uint64_t repository_ids[GRAPHQL_BODY_IDS_MAX]; // of the node ids among the variables (node_id.h), however deep
    size_t repository_id_count;
};

void graphql_body_read(struct bytes json, struct graphql_hint *ret_hint);

#endif
