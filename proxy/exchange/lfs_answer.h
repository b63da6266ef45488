// The answer to a Git LFS batch on a host that is no GitHub. Some hosts copy the request's Authorization, which is ours,
// into the header of each action (host_gitlab.c, host_gitea.c): it is taken out before the workspace sees the answer. The
// object's route on that host gets the credential attached when it is asked for.
#ifndef GITLATCH_LFS_ANSWER_H
#define GITLATCH_LFS_ANSWER_H

#include <stdbool.h>

#include <gitlatch/attr.h>
#include <gitlatch/git_host.h>

#include "bytes.h"
#include "text.h"

struct secret;

// An answer of a hundred objects, git-lfs's most, has about 100 KiB.
#define LFS_ANSWER_MAX ((size_t)1 * MIB)

// Rewrites the answer's JSON. An Authorization goes out where its action leads to this host, at whose object routes it is
// attached again, or where it holds the credential in any form (`token` and `authorization` may be NULL). False: what came is
// not the answer of a batch.
bool lfs_answer_clean(const struct git_host *host, struct bytes answer, const struct secret *token,
                      struct bytes authorization, struct text *out) GL_MUST_CHECK;

#endif
