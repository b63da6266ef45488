// Asks GitHub for one repository, with a token that grants {metadata: read} and is attached to no workspace's request:
// what it is called now.
#ifndef GITLATCH_REPOSITORY_LOOKUP_H
#define GITLATCH_REPOSITORY_LOOKUP_H

#include <gitlatch/attr.h>
#include <gitlatch/token_service.h>

#include "cache.h"
#include "github_call.h"
#include "source.h"

struct repository_lookup;

// `repository` is NULL where none was found; `missing`: GitHub said that there is none, else it could not be asked.
typedef void repository_lookup_fn(void *arg, const struct token_repository *repository, bool missing);

// By the answer to `call` (taken over), a redirect to the repository's id followed once. The token is of `source`, for
// the installation of `owner` (may be empty). Ends with `done`, or with repository_lookup_cancel.
struct repository_lookup *repository_lookup_start(struct cache *cache, struct source *source, const char *owner,
                                                  struct github_call call, repository_lookup_fn *done, void *arg)
    GL_MUST_CHECK;
void repository_lookup_cancel(struct repository_lookup *lookup);

#endif
