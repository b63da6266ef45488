// Tokens that the mock gave out. They are never forgotten, so that a record can name one long after.
#ifndef GITLATCH_ISSUED_TOKEN_H
#define GITLATCH_ISSUED_TOKEN_H

#include <stdint.h>

#include <jansson.h>

#include <gitlatch/attr.h>

#include "world.h"

struct issued_token {
    uint64_t id; // counts from 1
    char *value;
    const char *web;          // the GitHub it is good for
    struct account *user;     // of a personal token; NULL: an installation's
    uint64_t installation_id; // of an installation's
    bool all_repositories;
    uint64_t *repository_ids;
    size_t repository_count;
    json_t *permissions;
    int64_t minted_at; // seconds, GitHub's clock
    int64_t expires_at;
    int64_t usable_from_ms; // monotonic: before it, replication lag
    bool revoked;
    struct issued_token *next; // newest first
};

// All under the world's lock. `permissions` and `repository_ids` are given away.
struct issued_token *issued_token_mint(const struct installation *installation, const char *web, json_t *permissions,
                                       uint64_t *repository_ids, size_t repository_count, bool all_repositories);
struct issued_token *issued_token_for_user(struct account *user, const char *web);
struct issued_token *issued_token_find(struct bytes value);
struct issued_token *issued_token_list(void);
bool issued_token_expired(const struct issued_token *token);
bool issued_token_is_lagging(const struct issued_token *token);
// Whether the token's own list holds the repository (its installation must cover it as well).
bool issued_token_names(const struct issued_token *token, uint64_t repository_id);
// As JSON without the value, owned by the caller.
json_t *issued_token_describe(const struct issued_token *token);

#endif
