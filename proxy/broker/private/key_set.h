// The public keys of an issuer: a JSON Web Key Set (RFC 7517, section 5). Pure.
#ifndef GITLATCH_KEY_SET_H
#define GITLATCH_KEY_SET_H

#include <stdbool.h>
#include <stddef.h>

#include <gitlatch/attr.h>

#include "bytes.h"
#include "error.h"
#include "verification_key.h"

struct id_token;

// An issuer has two or three; one that rotates weekly and never forgets would have a hundred in two years.
#define KEY_SET_MAX 128

// Embedded by its owner; all zero is empty.
struct key_set {
    struct verification_key *keys;
    size_t count;
};

// Keys of kinds that are not accepted here are left out; a set with none left is an error.
bool key_set_parse(struct bytes json, struct key_set *ret_set, struct error *ret_error) GL_MUST_CHECK;
void key_set_clear(struct key_set *set);

// Whether a key may have signed the token: of its `kid`, or any where the token names none.
bool key_set_knows(const struct key_set *set, const struct id_token *token);
enum key_set_result {
    KEY_SET_SIGNED,
    KEY_SET_UNKNOWN,   // no key of its `kid`
    KEY_SET_ALGORITHM, // the key is for another algorithm
    KEY_SET_FORGED,    // the signature is not that of the key
};
enum key_set_result key_set_verify(const struct key_set *set, const struct id_token *token) GL_MUST_CHECK;

#endif
