// A public key of an issuer, from its JSON Web Key, and the signatures that it verifies. The key alone says which
// algorithm it is for; what a token says of itself is compared with that, never followed.
// Sources: RFC 7517 (JWK), RFC 7518 (JWA), RFC 8037 (Ed25519).
#ifndef GITLATCH_VERIFICATION_KEY_H
#define GITLATCH_VERIFICATION_KEY_H

#include <stdbool.h>
#include <jansson.h>
#include <openssl/types.h>

#include <gitlatch/attr.h>

#include "bytes.h"

enum signature_algorithm { SIGNATURE_RS256, SIGNATURE_ES256, SIGNATURE_EDDSA, SIGNATURE_COUNT };

// "RS256", …
extern const char *const signature_algorithm_names[SIGNATURE_COUNT];

// Cleared with verification_key_clear.
struct verification_key {
    enum signature_algorithm algorithm;
    char *id; // its `kid`; NULL: none
    EVP_PKEY *key;
};

// False: it is no key for a signature that is accepted here (another type, curve, use, algorithm, or too short).
bool verification_key_parse(const json_t *jwk, struct verification_key *ret_key) GL_MUST_CHECK;
void verification_key_clear(struct verification_key *key);

// Whether `signed_part` was signed with this key; `signature` is base64url.
bool verification_key_verify(const struct verification_key *key, struct bytes signed_part, struct bytes signature)
    GL_MUST_CHECK;

// The bytes of canonical base64url (RFC 7515, section 2: no padding, no bits left over), given to mem_wiping_free, with a
// NUL behind them; NULL: it is none.
char *base64url_decode(struct bytes text, size_t *ret_size) GL_MUST_CHECK;

#endif
