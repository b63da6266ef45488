// The JSON Web Token by which an App proves itself to GitHub (GitHub documentation, "Generating a JSON Web Token for
// a GitHub App"; RFC 7519). Pure, but for OpenSSL's randomness. The only file that knows libjwt.
#ifndef GITLATCH_JWT_SIGN_H
#define GITLATCH_JWT_SIGN_H

#include <gitlatch/attr.h>

#include "bytes.h"
#include "clock.h"
#include "error.h"

struct secret;

// Back by a minute, so that a clock that is a little fast is no trouble; at most 10 minutes by GitHub's clock.
#define JWT_SIGN_ISSUED_BEFORE_MS (60 * SECOND_MS)
#define JWT_SIGN_EXPIRES_AFTER_MS (540 * SECOND_MS)

// Whether these bytes are a key that GitHub Apps use: RSA of at least 2048 bits, PKCS#1 or PKCS#8 PEM, not encrypted.
// It is tried on a signature.
bool jwt_sign_key_check(struct bytes pem, struct error *ret_error) GL_MUST_CHECK;

// The signed token; owned by the caller. `issuer` is the App's id (all digits: an integer in the token) or its client
// id; `now` GitHub's time as well as it is known. NULL when the key cannot sign.
struct secret *jwt_sign(struct bytes pem, const char *issuer, struct wall now, struct error *ret_error) GL_MUST_CHECK;

// The same in two steps, for a key that is kept elsewhere: what is to be signed with RSASSA-PKCS1-v1_5 and SHA-256
// (RS256), and the token from it and the signature, which may be raw or base64 in either alphabet. The first is
// given to mem_free. NULL: what was given is no signature of an RSA key.
char *jwt_sign_input(const char *issuer, struct wall now) GL_MUST_CHECK;
struct secret *jwt_sign_assemble(const char *signing_input, struct bytes signature, struct error *ret_error)
    GL_MUST_CHECK;

#endif
