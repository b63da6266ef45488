// What one token is made for, with nothing left to decide: which repositories, by name or by id, and which
// permissions. A cache's key is made from it.
#ifndef GITLATCH_MINT_SCOPE_H
#define GITLATCH_MINT_SCOPE_H

#include <stdbool.h>
#include <stddef.h>

#include <gitlatch/attr.h>
#include <gitlatch/scope.h>
#include <gitlatch/token_service.h>

struct text;

// GitHub takes no more repositories for one token.
#define MINT_SCOPE_REPOSITORIES_MAX 500
// A namespace of Kubernetes is a label of DNS: 63 characters.
#define MINT_SCOPE_TENANT_SIZE 64

struct mint_scope {
    const struct git_host *host;
    enum scope_reach reach;
    struct repository_name repository;     // SCOPE_REPOSITORY; else only `.owner`, which may be empty
    bool wide;                             // whatever the source has for this owner; nothing else is asked for
    bool all_permissions;                  // whatever the installation has: left out of the mint
    struct permissions permissions;        // empty only where `wide` or `all_permissions`
    struct token_repository *repositories; // SCOPE_SET: owned, sorted, not empty; ids are 0 where names are asked for
    size_t repository_count;
    char tenant[MINT_SCOPE_TENANT_SIZE]; // who asked first, whose turn is waited for; no part of the key
    // Fingerprint of the last token of this scope where that was not accepted, "": none; no part of the key.
    char rejected[TOKEN_FINGERPRINT_SIZE];
};

// From what a request asks for; a SCOPE_SET gets its repositories by mint_scope_set. Empty permissions become
// {metadata: read}, but where all are asked for.
void mint_scope_init(struct mint_scope *mint, const struct scope *scope);
// {metadata: read} for all of an owner's installation: listings and names are asked for with it, and it is attached to
// no request of a workspace.
void mint_scope_init_metadata(struct mint_scope *mint, const struct git_host *host, const char *owner);
// What a source gives that cannot narrow: one token, or one an owner (which may be empty).
void mint_scope_init_wide(struct mint_scope *mint, const struct git_host *host, const char *owner);
// Gives a SCOPE_SET its repositories (copied), all of them by id, or all by name with an id of 0.
void mint_scope_set(struct mint_scope *mint, const struct token_repository *repositories, size_t count);
void mint_scope_copy(struct mint_scope *copy, const struct mint_scope *mint);
void mint_scope_clear(struct mint_scope *mint);

// Whether both are for the same, whoever asks: they have one key.
bool mint_scope_equal(const struct mint_scope *a, const struct mint_scope *b);
// Adds what makes this scope another one, without the source.
void mint_scope_key(const struct mint_scope *mint, struct text *text);
// For people: "acme/widgets contents:write", "acme (12 repositories) issues:read", "acme (all) metadata:read".
void mint_scope_label(const struct mint_scope *mint, struct text *text);

// Whether what was granted is no wider than what was asked, `metadata: read` aside. False sets the reason:
// REASON_SCOPE, or REASON_RENAMED where the one repository has another name than the one asked for.
bool mint_scope_compare(const struct mint_scope *mint, const struct permissions *granted,
                        const struct token_repository *repositories, size_t count, struct verdict *ret_verdict)
    GL_MUST_CHECK;

#endif
