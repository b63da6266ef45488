// A token that came, and what is known about it; counted, never changed.
#ifndef GITLATCH_LEASE_H
#define GITLATCH_LEASE_H

#include <stdbool.h>
#include <stdint.h>

#include <gitlatch/attr.h>
#include <gitlatch/token_service.h>

#include "clock.h"
#include "secret.h"
#include "source.h"

struct lease {
    unsigned references;
    struct secret *token;
    char fingerprint[SECRET_FINGERPRINT_SIZE];
    const char *source; // a literal
    uint64_t entry;     // of the cache
    bool wide;
    struct mono made_at;
    // Its end by both of our clocks: the one stands still while a laptop sleeps, the other goes where it is set. The
    // earlier counts.
    struct mono ends;
    struct wall ends_wall;
    struct wall expires_at; // as its issuer says
    struct permissions permissions;
    struct token_repository *repositories; // owned; NULL: all that the source reaches
    size_t repository_count;
};

// Made now; one reference, owned by the caller.
struct lease *lease_new(const struct source *source, uint64_t entry, const struct source_token *token) GL_MUST_CHECK;
struct lease *lease_ref(struct lease *lease);
void lease_unref(struct lease *lease); // NULL: nothing

// Milliseconds until it ends; INT64_MAX: not known.
int64_t lease_left_ms(const struct lease *lease, const struct clock *clock);
// As the forwarding path sees it; a view.
struct token_grant lease_grant(const struct lease *lease, const struct clock *clock);

#endif
