// What the body of a Git LFS request asks for (git-lfs, docs/api/batch.md and docs/api/locking.md). Read
// strictly, so that GitHub cannot read it otherwise: a key that is there twice or in another case is refused.
#ifndef GITLATCH_LFS_BODY_H
#define GITLATCH_LFS_BODY_H

#include <stdbool.h>

#include <gitlatch/attr.h>
#include <gitlatch/verdict.h>

#include "bytes.h"

// An object takes about 110 bytes, and git-lfs asks for 100 at once: 4 MiB are 38,000.
#define LFS_BODY_SIZE_MAX (4 * MIB)

struct lfs_body {
    bool upload; // a batch: `operation` is "upload"; else false
    char *ref;   // `ref.name`, owned; NULL: not named
};

// The verdict is REASON_LFS_MALFORMED.
bool lfs_body_parse_batch(struct bytes json, struct lfs_body *ret_body, struct verdict *ret_verdict) GL_MUST_CHECK;
// The body of POST locks, locks/verify or unlock; an empty one names no ref.
bool lfs_body_parse_lock(struct bytes json, struct lfs_body *ret_body, struct verdict *ret_verdict) GL_MUST_CHECK;
void lfs_body_clear(struct lfs_body *body);

#endif
