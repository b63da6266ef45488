// One server certificate for one host: P-256 with a key of its own, signed ECDSA-SHA256; the host as its only
// subjectAltName; extKeyUsage serverAuth; SKI and AKI; seven days.
#ifndef GITLATCH_LEAF_H
#define GITLATCH_LEAF_H

#include "authority.h"

#define LEAF_LIFE_MS (7 * DAY_MS)
// Renewed with two days left: a laptop that sleeps over a weekend wakes with a certificate that is valid.
#define LEAF_RENEW_BEFORE_MS (2 * DAY_MS)

struct leaf {
    X509 *certificate;
    EVP_PKEY *key;
};

// `host` is not held against the CA's constraint: that is what clients do.
bool leaf_make(const struct authority *authority, const char *host, struct wall now, struct leaf *ret_leaf,
               struct error *ret_error) GL_MUST_CHECK;
void leaf_clear(struct leaf *leaf);

#endif
