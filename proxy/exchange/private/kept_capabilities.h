// Capability advertisements that are kept for a while (`upstream.keep_capabilities`), so that a fetch saves the round
// trip that asks for them. They hold no ref and no secret, and whoever is given one was allowed the repository by the
// rules a moment before; what GitHub grants is seen by its answer to the request that follows.
//
// Bounded by count and size: the one used longest ago makes room. Those whose time is over are dropped when they are
// met.
#ifndef GITLATCH_KEPT_CAPABILITIES_H
#define GITLATCH_KEPT_CAPABILITIES_H

#include <stdbool.h>
#include <stdint.h>

#include <gitlatch/attr.h>

#include "bytes.h"

struct kept_capabilities;
struct loop;
struct operation;

// What an advertisement belongs to.
struct kept_question {
    const struct operation *operation; // its host, repository and wiki
    bool anonymous;                    // no token goes with it; else one that reads this repository
    struct bytes git_protocol;         // the value of the request's Git-Protocol
};

struct kept_capabilities *kept_capabilities_new(struct loop *loop, int64_t keep_ms) GL_MUST_CHECK;
void kept_capabilities_free(struct kept_capabilities *kept); // NULL: nothing

// A view that is valid until the next call; empty: none is kept.
struct bytes kept_capabilities_find(struct kept_capabilities *kept, const struct kept_question *question) GL_MUST_CHECK;
// Keeps a copy from now on, in the place of one that was kept before. `body` is one (capabilities_check).
void kept_capabilities_put(struct kept_capabilities *kept, const struct kept_question *question, struct bytes body);
// Lets go of all that is kept of the operation's repository. False: there was nothing.
bool kept_capabilities_drop(struct kept_capabilities *kept, const struct operation *operation);

#endif
