// A leaf and a TLS context for each intercepted host, all made at start: a handshake never waits for a key.
#ifndef GITLATCH_LEAF_SET_H
#define GITLATCH_LEAF_SET_H

#include "authority.h"

struct leaf_set;

struct leaf_set *leaf_set_new(const struct authority *authority, const struct name_list *hosts, struct wall now,
                              struct error *ret_error) GL_MUST_CHECK;
void leaf_set_free(struct leaf_set *set); // NULL is allowed

// The context for a host (made normal); NULL: this host is not intercepted. Valid until the set is renewed or
// freed; SSL_new takes a reference, so connections keep the leaf they began with.
SSL_CTX *leaf_set_context(const struct leaf_set *set, struct bytes host);

// Whether the leaves must be renewed: near their end, over, or not yet valid (the clock was set back).
bool leaf_set_due(const struct leaf_set *set, struct wall now);
// New leaves for all hosts. On failure the old ones stay.
bool leaf_set_renew(struct leaf_set *set, const struct authority *authority, struct wall now, struct error *ret_error)
    GL_MUST_CHECK;
struct wall leaf_set_expiry(const struct leaf_set *set);

#endif
