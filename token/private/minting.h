// One token made by a source, with all that belongs to it: what was granted is compared with what was asked, names are
// learned, a renamed repository gets its new name, and it is counted and recorded.
#ifndef GITLATCH_MINTING_H
#define GITLATCH_MINTING_H

#include <gitlatch/attr.h>

#include "cache.h"
#include "pace.h"
#include "repository_list.h"
#include "repository_map.h"
#include "source.h"
#include "token_options.h"

struct minting;
struct mint_gate;

// Shared by all mintings; outlives them.
struct minting_context {
    struct cache *cache; // for the token with which a new name is asked for
    struct repository_map *map;
    struct repository_lists *lists;
    struct pace lookups; // of names that the lists lack
    struct metrics *metrics;
    struct mint_gate *gate; // NULL: GitHub is asked at once
    token_mint_fn *on_mint; // NULL: none
    void *on_mint_arg;
};

// As a source's `mint` and `cancel`.
struct minting *minting_start(struct minting_context *context, struct source *source, const struct mint_scope *scope,
                              source_done_fn *done, void *arg) GL_MUST_CHECK;
void minting_cancel(struct minting *minting);

#endif
