// One source of tokens behind one interface: app, broker, platform, command, file, environment.
#ifndef GITLATCH_SOURCE_H
#define GITLATCH_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <gitlatch/attr.h>
#include <gitlatch/token_service.h>
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

// A token that came. All is on loan during the callback.
struct source_token {
    struct secret *token;
    int64_t life_ms;        // from now, by the issuer's clock; INT64_MAX: not known
    int64_t age_ms;         // since it was made
    struct wall expires_at; // as the issuer says; WALL_NEVER: not known
    bool narrowed;          // it says what it grants, in the rest
    const struct permissions *permissions;
    const struct token_repository *repositories; // NULL: all of the installation
    size_t repository_count;
};

// Why none came.
struct source_failure {
    struct verdict verdict;
    bool permanent;   // only somebody's act mends it: asked again seldom
    bool guarded;     // the issuer itself guards GitHub from being asked again: asked sooner, at first
    bool slow;        // took long to fail: not tried again while somebody waits
    int64_t retry_ms; // the issuer's word: not before; 0: none
};

// Sets the verdict; always returns false.
bool source_failure_set(struct source_failure *failure, bool permanent, enum reason reason, const char *format, ...)
    GL_PRINTF(4, 5);

// Exactly one of the two is not NULL.
typedef void source_done_fn(void *arg, const struct source_token *token, const struct source_failure *failure);

// One token that is asked for: first member of each type's own.
struct source_mint {
    struct source *source;
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
// A question to the issuer; each type's own.
struct source_probe;
typedef void source_probe_fn(void *arg, const struct source_probed *probed);

struct source_type {
    enum credential_type type;
    bool narrow;   // gives tokens narrowed to a scope; else one wide token
    bool by_owner; // not narrow: one token an owner
    bool github;   // what it failed with is GitHub's own word: a repository not covered may be a renamed one

    // Whether a token could be asked for now, having read its secret again where that changed; `source->version` then
    // tells this secret from another.
    bool (*ready)(struct source *source, struct source_failure *ret_failure);
    // Asks for a token; ends with `done`, never from inside, or with `cancel`. The scope outlives the mint.
    struct source_mint *(*mint)(struct source *source, const struct mint_scope *scope, source_done_fn *done, void *arg);
    void (*cancel)(struct source_mint *mint);
    // Whether the issuer takes us for who we are, for `gitlatch check`. NULL: told by a token's use.
    struct source_probe *(*probe)(struct source *source, source_probe_fn *done, void *arg);
    void (*probe_cancel)(struct source_probe *probe);
    // A reload: takes over what another source of the same identity has learned. NULL: nothing.
    void (*adopt)(struct source *source, struct source *old);
    void (*free)(struct source *source);
};

#define SOURCE_VERSION_SIZE 16

// First member of each source's own struct.
struct source {
    const struct source_type *type;
    const char *name; // "app", "app-2", …: a literal
    char *identity;   // tells it from another credential, over reloads too: "app 12345"
    const struct github_host *host;
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

// Each makes one source from one credential; `base` has all members but type, identity and version. The error is one
// sentence.
struct source *source_app_new(const struct source *base, const struct credential_options *options,
                              struct error *ret_error) GL_MUST_CHECK;
struct source *source_broker_new(const struct source *base, const struct credential_options *options,
                                 struct error *ret_error) GL_MUST_CHECK;
struct source *source_platform_new(const struct source *base, const struct credential_options *options,
                                   struct error *ret_error) GL_MUST_CHECK;
struct source *source_command_new(const struct source *base, const struct credential_options *options,
                                  struct error *ret_error) GL_MUST_CHECK;
struct source *source_file_new(const struct source *base, const struct credential_options *options,
                               struct error *ret_error) GL_MUST_CHECK;
struct source *source_environment_new(const struct source *base, const struct credential_options *options,
                                      struct error *ret_error) GL_MUST_CHECK;

// Makes the source of a credential, whatever its type; freed with source_free.
struct source *source_new(const struct source *base, const struct credential_options *options, struct error *ret_error)
    GL_MUST_CHECK;
void source_free(struct source *source);

// The scope with which names and listings are asked for: {metadata: read} for an owner's installation (`owner` may be
// empty), where the source can narrow. Cleared with mint_scope_clear.
void source_scope_metadata(const struct source *source, const char *owner, struct mint_scope *ret_scope);

// "app", "app-2", …: the name of the n-th credential (from 0) of a type. A literal.
const char *source_name(enum credential_type type, size_t n);

// For those who implement one: allocates `size` bytes that begin with a copy of `base`.
void *source_alloc(size_t size, const struct source *base, const struct source_type *type, char *identity)
    GL_MUST_CHECK;
// A mint's first part; `size` as above.
void *source_mint_alloc(size_t size, struct source *source, source_done_fn *done, void *arg) GL_MUST_CHECK;

#endif
