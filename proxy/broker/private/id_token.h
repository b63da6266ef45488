// An OpenID Connect token, a JWT of an issuer: taken apart and looked at before its signature is verified. Pure.
// Sources: RFC 7515 (JWS), RFC 7519 (JWT), RFC 8725 (JWT best current practices).
#ifndef GITLATCH_ID_TOKEN_H
#define GITLATCH_ID_TOKEN_H

#include <stdbool.h>
#include <stddef.h>
#include <jansson.h>

#include <gitlatch/attr.h>

#include "bytes.h"
#include "clock.h"
#include "error.h"
#include "verification_key.h"

// GitHub Actions' tokens have 2 KiB; a request's head here has 16 KiB at most.
#define ID_TOKEN_MAX ((size_t)16 * KIB)
// Clocks of an issuer and of the broker may differ by so much.
#define ID_TOKEN_SKEW_MS (1 * MINUTE_MS)

// Cleared with id_token_clear.
struct id_token {
    char *text; // all of it, wiped in the end
    enum signature_algorithm algorithm;
    char *key_id;                        // NULL: the header names none
    json_t *claims;                      // an object
    struct bytes signed_part, signature; // of `text`: before the last dot, and after it, still encoded
};

// Takes a token apart: three canonical base64url parts, the first two JSON objects without a name twice, a header that
// names an algorithm of ours and neither a key of its own nor an extension. The error says what it is not.
bool id_token_parse(struct bytes text, struct id_token *ret_token, struct error *ret_error) GL_MUST_CHECK;
void id_token_clear(struct id_token *token);

// A claim that is a string; NULL: there is none.
const char *id_token_text(const struct id_token *token, const char *claim);
// Whether its `aud`, a string or a list of them, names the audience.
bool id_token_is_for(const struct id_token *token, const char *audience);
// Whether it is good now: `exp` must be there, `nbf` and `iat` may be; a minute of skew is let pass.
bool id_token_check_time(const struct id_token *token, struct wall now, struct error *ret_error) GL_MUST_CHECK;

#endif
