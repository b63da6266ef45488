// Scope → token. However many ask for a scope, one token is made; one in use is made anew before it ends, and the old
// one serves until the new one is there; what failed is not asked for again at once; what is not used is let go.
#ifndef GITLATCH_CACHE_H
#define GITLATCH_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <gitlatch/attr.h>
#include <gitlatch/verdict.h>

#include "mint_scope.h"
#include "source.h"

struct cache;
struct cache_request;
struct loop;
struct metrics;

// How a token is made: the source, with what is done around it. `start` has a source's `mint` for its model.
struct cache_minter {
    void *(*start)(void *context, struct source *source, const struct mint_scope *scope, source_done_fn *done,
                   void *arg);
    void (*cancel)(void *context, void *mint);
    void *context;
};

struct cache_options {
    struct loop *loop;
    struct metrics *metrics;
    int64_t refresh_before_ms; // made anew once less is left
    int64_t minimum_life_ms;   // never given with less
    struct cache_minter minter;
};

struct cache *cache_new(const struct cache_options *options) GL_MUST_CHECK;
// Cancels what is being minted: nothing asks for more.
void cache_stop(struct cache *cache);
// Requests have ended or were cancelled; what is being minted is cancelled.
void cache_free(struct cache *cache);

// Exactly one of the two is not NULL, on loan.
typedef void cache_done_fn(void *arg, struct token *token, const struct verdict *verdict);
// Asks for a token of this source, which is ready, for this scope (copied). Ends with `done`, or with
// cache_cancel. It may wait as long as a mint and its retries take: the caller has a time limit. Who names the entry's
// token as rejected waits for another, within limits; all others are given the old one until that is there.
struct cache_request *cache_ask(struct cache *cache, struct source *source, const struct mint_scope *scope,
                                cache_done_fn *done, void *arg) GL_MUST_CHECK;
void cache_cancel(struct cache_request *request);

// The token that can be given without a wait and of which nothing is to be done, on loan; NULL: ask.
struct token *cache_look(struct cache *cache, const struct source *source, const struct mint_scope *scope);

// This token was not accepted: its entry has none from now on, unless that is another by now.
void cache_rejected(struct cache *cache, const struct token *token);

// Takes the tokens of entries whose source has, in `cache`, a source of the same identity and version. `find` gives it,
// or NULL.
typedef struct source *cache_source_fn(void *arg, const struct source *old);
void cache_adopt(struct cache *cache, struct cache *old, cache_source_fn *find, void *arg);

// How a source's entries stand.
struct cache_summary {
    size_t tokens;          // that can be given
    size_t failing;         // entries whose last mint failed
    struct wall first_end;  // of the tokens; WALL_NEVER: none ends
    struct verdict failure; // of one whose cause is the source's (its key, the network); REASON_NONE: none fails so
    // Of the one used last whose cause is its own (a name that is mistyped, an owner without the App), on loan as long as
    // the cache is left alone; NULL: none fails so.
    const struct mint_scope *failed;
    const char *failed_sentence;
};
void cache_summarize(const struct cache *cache, const struct source *source, struct cache_summary *ret_summary);

#endif
