// One source of tokens behind one interface: app, broker, platform, command, file, environment.
#ifndef GITLATCH_SOURCE_H
#define GITLATCH_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <gitlatch/attr.h>
#include <gitlatch/token.h>
#include <gitlatch/verdict.h>

#include "clock.h"
#include "credential_options.h"
#include "error.h"
#include "mint_scope.h"

struct github_grant;
struct http_transport;
struct loop;
struct metrics;
struct secret;
struct source;
struct spawner;
struct text;
struct tls_client;

// Why no token came.
struct source_failure {
    struct verdict verdict;
    bool permanent;   // only somebody's act mends it
    bool slow;        // took long to fail: not tried again while somebody waits
    int64_t retry_ms; // the issuer's word: not before; 0: none
};

// Sets the verdict; always returns false.
bool source_failure_set(struct source_failure *failure, bool permanent, enum reason reason, const char *format, ...)
    GL_PRINTF(4, 5);

// Exactly one of the two is not NULL.
// The token is on loan: take a reference to keep it.
typedef void source_done_fn(void *arg, struct token *token, const struct source_failure *failure);

// One token that is asked for: first member of each type's own.
struct source_mint {
    struct source *source;
    const struct mint_scope *scope; // that is asked for; outlives the mint
    source_done_fn *done;
    void *arg;
};

// What an issuer was found to say. All is on loan during the callback.
struct source_probed {
    bool ok;
    const char *text;                  // what was found, or what is wrong
    const char *owner;                 // one for whom a token can be minted ("": the pinned installation's); NULL: none
    const struct github_grant *grants; // of the installations that it gives tokens of
    size_t grant_count;
};
// A page of the repositories that an issuer gives tokens for, on loan, and how many there are in all.
struct source_page {
    struct token_repository *repositories;
    size_t count, total;
};
struct source_listing;
// Exactly one of the two is not NULL, on loan.
typedef void source_listed_fn(void *arg, const struct source_page *page, const struct source_failure *failure);

struct source_preparation;
typedef void source_prepared_fn(void *arg);

// A question to the issuer; each type's own.
struct source_probe;
typedef void source_probe_fn(void *arg, const struct source_probed *probed);

// Credentials of one kind that have a name of their own in logs, metrics and events; the others share the last one.
#define SOURCE_NAMED_MAX 5
#define SOURCE_NAMES(kind)                                                                                             \
    {                                                                                                                  \
        kind, kind "-2", kind "-3", kind "-4", kind "-5"                                                               \
    }

// Keys that a kind needs or takes, at most.
#define SOURCE_KEYS_MAX 6

struct source_kind {
    const char *names[SOURCE_NAMED_MAX]; // the first is the kind's own
    // Keys of `credentials` that one must have and that it may have, beside those of every kind (type, host,
    // also_when_refused).
    const char *needs[SOURCE_KEYS_MAX];
    const char *takes[SOURCE_KEYS_MAX];
    bool needs_tls; // its `url` must be https://
    // What is wrong with a credential beyond its keys (see credential_problem); NULL: nothing can be.
    const char *(*problem)(const struct credential_options *options, const char **ret_key);

    bool gives_rules; // its issuer grants by rules of its own, which it gives to the sidecar
    bool narrow;      // gives tokens narrowed to a scope; else one wide token
    bool by_owner;    // not narrow: one token an owner
    bool github;      // what it failed with is GitHub's own word: a repository not covered may be a renamed one

    // Whether a token could be asked for now, having read its secret again where that changed; `source->version` then
    // makes this secret another one.
    bool (*ready)(struct source *source, struct source_failure *ret_failure);
    // Asks for a token; ends with `done`, or with `cancel`. The scope outlives the mint.
    struct source_mint *(*mint)(struct source *source, const struct mint_scope *scope, source_done_fn *done, void *arg);
    void (*cancel)(struct source_mint *mint);
    // Asks the issuer which repositories of `owner` ("": its grants name one alone) it gives tokens for, the `page`-th page
    // (from 1). Ends with `done`, never from inside, or with `list_cancel`. NULL: GitHub is asked, with a token.
    struct source_listing *(*list)(struct source *source, const char *owner, unsigned page, source_listed_fn *done,
                                   void *arg);
    void (*list_cancel)(struct source_listing *listing);
    // Finds what the first mint for `owner` needs. Ends with `done`, never from inside, or with `prepare_cancel`. NULL: it
    // needs nothing.
    struct source_preparation *(*prepare)(struct source *source, const char *owner, source_prepared_fn *done,
                                          void *arg);
    void (*prepare_cancel)(struct source_preparation *preparation);
    // Whether the issuer takes us for who we are, for `gitlatch check`. NULL: seen by a token's use.
    struct source_probe *(*probe)(struct source *source, source_probe_fn *done, void *arg);
    void (*probe_cancel)(struct source_probe *probe);
    // A reload: takes over what another source of the same identity has learned. NULL: nothing.
    void (*adopt)(struct source *source, struct source *old);
    void (*free)(struct source *source);
    // Makes a source of this kind from one credential; `base` has all members but `id.kind`, identity and version. The
    // error is one sentence.
    struct source *(*make)(const struct source *base, const struct credential_options *options,
                           struct error *ret_error);
};

#define SOURCE_VERSION_SIZE 16

// First member of each source's own struct.
struct source {
    struct source_id id;
    char *identity; // what makes it another credential, over reloads too: "app 12345"
    const struct git_host *host;
    struct tls_client *tls; // by whose roots the host's API is verified
    bool wide_api;
    bool also_when_refused;
    bool quiet;                        // its failures are not logged
    char version[SOURCE_VERSION_SIZE]; // of its secret, set by `ready`
    struct mono ready_at;              // when `ready` last said so to token_walk_look

    // What all share.
    struct loop *loop;
    struct http_transport *transport;
    struct spawner *spawner;
    struct metrics *metrics;
};

// Freed however it was made.
void source_free(struct source *source);

// The scope with which names and listings are asked for: {metadata: read} for an owner's installation (`owner` may be
// empty), where the source can narrow. Cleared with mint_scope_clear.
void source_scope_metadata(const struct source *source, const char *owner, struct mint_scope *ret_scope);

// For those who implement one: allocates `size` bytes that begin with a copy of `base`.
void *source_alloc(size_t size, const struct source *base, const struct source_kind *type, char *identity)
    GL_MUST_CHECK;
// For installation tokens, which live for an hour (GitHub REST documentation, "Create an installation access token for an
// app"): sets the token's end from its `expires_at`, which is by a clock that shows `issuer_now`, and when it was minted:
// a token with less than an hour left was kept by its issuer.
void source_token_set_end(struct token *token, const struct source *source, struct wall issuer_now);
// Ends a mint well: sets where the token came from and for what it was asked for, and gives it.
void source_mint_give(const struct source_mint *mint, struct token *token);
// A mint's first part; `size` as above.
void *source_mint_alloc(size_t size, struct source *source, const struct mint_scope *scope, source_done_fn *done,
                        void *arg) GL_MUST_CHECK;

#endif
