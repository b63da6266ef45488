// GitHub's global node ids, as far as they name a repository: a prefix, `_`, and base64url of a MessagePack array that
// begins with 0; of what belongs to a repository the next item is the repository's id ("R_kgDOACN7Mg" is 2325298).
// Repositories made before 2022 have ids such as base64 of "010:Repository139095537". GitHub calls them opaque ("Using
// global node IDs"): what is read here is a hint and nothing is allowed by it.
#ifndef GITLATCH_NODE_ID_H
#define GITLATCH_NODE_ID_H

#include <stdbool.h>
#include <stdint.h>

#include <gitlatch/attr.h>

#include "bytes.h"

// The id of the repository that `text` is of, or belongs to. False: it is no such id.
bool node_id_repository(struct bytes text, uint64_t *ret_id) GL_MUST_CHECK;

#endif
