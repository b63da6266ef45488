// What the installation of an owner covers: enumerated with a token that grants {metadata: read} and is attached to no
// workspace's request, and kept for some minutes.
// Source: GitHub REST documentation, "List repositories accessible to the app installation".
#ifndef GITLATCH_REPOSITORY_LIST_H
#define GITLATCH_REPOSITORY_LIST_H

#include <stdbool.h>
#include <stdint.h>

#include <gitlatch/attr.h>
#include <gitlatch/token_service.h>

#include "cache.h"
#include "repository_map.h"
#include "source.h"

struct repository_lists;
struct repository_list_request;

// What is found is put into `map`.
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
// The same, of a list that is no older than `age_ms`.
struct repository_list_request *repository_list_ask_young(struct repository_lists *lists, struct source *source,
                                                          const char *owner, int64_t age_ms, repository_list_fn *done,
                                                          void *arg) GL_MUST_CHECK;

// Whether a token for this repository is worth minting: false where the list must be looked at first, because it is kept
// and lacks the name, or because of too many names nobody knows whether they are there. Counts the name.
bool repository_list_lets_mint(struct repository_lists *lists, struct source *source,
                               const struct repository_name *name) GL_MUST_CHECK;
// GitHub did not know a name of this owner: from now on the list is looked at before others are minted for.
void repository_list_distrust(struct repository_lists *lists, struct source *source, const char *owner);
bool repository_list_holds(const struct token_repository *repositories, size_t count,
                           const struct repository_name *name) GL_MUST_CHECK;
void repository_list_cancel(struct repository_list_request *request);

#endif
