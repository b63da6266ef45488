// An Ed25519 key in OpenSSH's forms: the private-key file (PROTOCOL.key, unencrypted), the public key as a blob of the
// wire (RFC 8709, section 4) and as a line of text.
#ifndef GITLATCH_ED25519_KEY_H
#define GITLATCH_ED25519_KEY_H

#include <stdbool.h>

#include <gitlatch/attr.h>

#include "bytes.h"
#include "error.h"
#include "text.h"

struct secret;

#define ED25519_KEY_TYPE       "ssh-ed25519"
#define ED25519_KEY_SIZE       32
#define ED25519_SIGNATURE_SIZE 64

struct ed25519_public {
    char bytes[ED25519_KEY_SIZE];
};

// Reads a private-key file; `*ret_seed` (32 bytes) is owned by the caller. Refused: a key of another kind, an encrypted
// one, several keys, anything that does not fit together or is left over.
bool ed25519_key_read(struct bytes file, struct secret **ret_seed, struct ed25519_public *ret_public,
                      struct error *ret_error) GL_MUST_CHECK;
// Reads "ssh-ed25519 AAAA…", with or without a comment behind it.
bool ed25519_public_read(struct bytes line, struct ed25519_public *ret_public, struct error *ret_error) GL_MUST_CHECK;

void ed25519_public_append_blob(const struct ed25519_public *key, struct text *output);
// "ssh-ed25519 AAAA…", without a comment; owned by the caller.
char *ed25519_public_line(const struct ed25519_public *key) GL_MUST_CHECK;

bool ed25519_sign(const struct secret *seed, struct bytes message, char ret_signature[static ED25519_SIGNATURE_SIZE])
    GL_MUST_CHECK;
bool ed25519_verify(const struct ed25519_public *key, struct bytes message, struct bytes signature) GL_MUST_CHECK;

#endif
