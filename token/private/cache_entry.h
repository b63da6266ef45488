// One scope of one source and its life: its token is minted, made anew before it ends, tried again where that failed, and
// let go where nobody uses it. The cache's own: it keeps them in its table, and answers those who wait.
#ifndef GITLATCH_CACHE_ENTRY_H
#define GITLATCH_CACHE_ENTRY_H

#include <stdbool.h>
#include <stdint.h>

#include <gitlatch/attr.h>

#include "cache.h"
#include "flight.h"
#include "loop.h"
#include "lru.h"
#include "pace.h"

struct cache_entry;

// What the cache does when an entry says so.
struct cache_entry_owner {
    void (*settled)(struct cache_entry *entry); // those who wait can be answered: there is a token, or a failure
    void (*unused)(struct cache_entry *entry);  // nobody needs it: it may be freed
};

// One scope of one source. It is empty (no token, no failure), being minted (`mint`), fresh (`token`), being refreshed
// (both), or failed until a time (`failure`); a fresh one whose refresh failed is both.
struct cache_entry {
    struct lru_entry in_table; // first; the cache's
    struct cache *cache;
    const struct cache_options *options;
    const struct cache_entry_owner *owner;
    struct source *source;
    struct mint_scope scope;
    struct token *token;
    int64_t refresh_left_ms; // made anew once the token has less left
    struct mono used_at;
    void *mint;                    // NULL: none under way
    unsigned attempts;             // for those who wait now
    struct source_failure failure; // of the last mint; REASON_NONE: it succeeded
    unsigned failures;             // in a row
    enum reason logged;            // for which the last of them was logged
    struct mono retry_at;
    struct mono rejected_at;
    struct pace told; // mints for holders of a rejected token
    bool adopted;     // another cache has the token too, and shows its metric
    struct timer timer;
    struct flight flight; // of the cache's requests
};

// Empty, and used now. `options` and `owner` outlive it; `scope` is copied.
struct cache_entry *cache_entry_new(const struct cache_options *options, const struct cache_entry_owner *owner,
                                    struct source *source, const struct mint_scope *scope) GL_MUST_CHECK;
// Nobody waits for it. What is being minted is cancelled.
void cache_entry_free(struct cache_entry *entry);

// Milliseconds that its token has left; 0: there is none.
int64_t cache_entry_left_ms(const struct cache_entry *entry);
// Whether it has a token that can be given.
bool cache_entry_usable(const struct cache_entry *entry);
// Takes the reference. NULL: it has no token any more.
void cache_entry_set_token(struct cache_entry *entry, struct token *token);

// Begins to mint; none is under way.
void cache_entry_mint(struct cache_entry *entry);
void cache_entry_cancel(struct cache_entry *entry);
// Plans when it looks at itself again, if nobody asks before.
void cache_entry_plan(struct cache_entry *entry);

#endif
