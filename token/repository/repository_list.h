// What the installation of an owner covers: enumerated with a token that grants {metadata: read} and is attached to no
// workspace's request, and kept for some minutes.
// Source: GitHub REST documentation, "List repositories accessible to the app installation".
#ifndef GITLATCH_REPOSITORY_LIST_H
#define GITLATCH_REPOSITORY_LIST_H

#include <gitlatch/attr.h>
#include <gitlatch/token_service.h>

#include "cache.h"
#include "repository_map.h"
#include "source.h"

struct repository_lists;
struct repository_list_request;

// What is found is told to `map`.
struct repository_lists *repository_lists_new(struct loop *loop, struct cache *cache, struct repository_map *map)
    GL_MUST_CHECK;
// Requests have ended or were cancelled.
void repository_lists_free(struct repository_lists *lists);

// All repositories, on loan; or why there is no list: `repositories` and `count` are then NULL and 0.
typedef void repository_list_fn(void *arg, const struct token_repository *repositories, size_t count,
                                const struct source_failure *failure);
// One enumeration, however many wait. Ends with `done`, or with repository_list_cancel.
struct repository_list_request *repository_list_ask(struct repository_lists *lists, struct source *source,
                                                    const char *owner, repository_list_fn *done, void *arg)
    GL_MUST_CHECK;
void repository_list_cancel(struct repository_list_request *request);

#endif
