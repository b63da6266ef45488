// One token: its value, where it came from, how long it lives and what it grants. Counted, and never changed once a
// source has given it away.
#ifndef GITLATCH_TOKEN_H
#define GITLATCH_TOKEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <gitlatch/attr.h>
#include <gitlatch/permissions.h>
#include <gitlatch/repository_name.h>

#include "clock.h"

struct secret;
struct source_kind;

// First hex digits of a token's SHA-256, by which audit events name it.
#define TOKEN_FINGERPRINT_SIZE 13 // 12 digits and NUL
// A host name of DNS has 253 characters.
#define TOKEN_HOST_SIZE 256

// Which of the configured credentials gave a token: the `number`-th (from 0) of its kind. Compared by value; its name is
// for people, and no decision is made by it.
struct source_id {
    const struct source_kind *kind;
    unsigned number;
};

// "app", "app-2", …: for logs, metrics and events. A literal.
const char *source_id_name(struct source_id id);
// Whether the issuer grants by rules of its own, which it gives to the sidecar: a broker.
bool source_id_gives_rules(struct source_id id);

// A repository that a token is for, as its issuer names it.
struct token_repository {
    uint64_t id; // 0: not known
    struct repository_name name;
};

// What a token grants, as far as it is known.
struct token_scope {
    char host[TOKEN_HOST_SIZE];  // web name of the GitHub
    char owner[OWNER_NAME_SIZE]; // "": not known
    bool wide;                   // not narrowed to what was asked for; the rest does not matter
    bool has_permissions;        // its issuer named them
    bool has_repositories;       // its issuer named them
    struct permissions permissions;
    struct token_repository *repositories; // owned; NULL: not named, or a whole installation
    size_t repository_count;
};

// It was there before we asked for it, and nobody says since when: it counts as old.
#define TOKEN_AGE_UNKNOWN ((struct mono){INT64_MIN})

struct token {
    unsigned references;
    struct secret *value;
    char fingerprint[TOKEN_FINGERPRINT_SIZE];
    struct source_id source;
    struct mono minted_at; // TOKEN_AGE_UNKNOWN, or when it was minted: GitHub's replicas may not know a young one yet
    // Its end by both of our clocks: the one stands still while a laptop sleeps, the other goes where it is set. The
    // earlier counts. INT64_MAX: not known.
    struct mono ends;
    struct wall ends_wall;
    struct wall expires_at; // its end as its issuer says, by the issuer's clock; WALL_NEVER: not known
    struct token_scope granted;
};

// A wide token of unknown age and end. References `value`. One reference, owned by the caller, who fills in the rest
// before anybody else has it.
struct token *token_new(struct secret *value) GL_MUST_CHECK;
struct token *token_ref(struct token *token);
void token_unref(struct token *token); // NULL: nothing

// Sets its end from its issuer's word: it lives for `life_ms` from now. INT64_MAX: not known.
void token_set_life(struct token *token, int64_t life_ms, const struct clock *clock);
// Milliseconds until it ends; INT64_MAX: not known.
int64_t token_left_ms(const struct token *token, const struct clock *clock);
// Milliseconds since it was minted; INT64_MAX: not known.
int64_t token_age_ms(const struct token *token, struct mono now);

#endif
