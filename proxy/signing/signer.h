// Who signs commits: a private key in this process, or `sign_command`.
#ifndef GITLATCH_SIGNER_H
#define GITLATCH_SIGNER_H

#include <stdbool.h>

#include <gitlatch/attr.h>

#include "ed25519_key.h"
#include "error.h"

struct loop;
struct signer;
struct signer_request;
struct spawner;

struct signer_options {
    const char *key; // an OpenSSH private-key file, or the command's public one; read again when it changes. NULL:
                     // the command says its public key
    char *const
        *command; // gets the blob on stdin, and writes the raw signature or its base64; with nothing on stdin it
                  // writes the line of its public key. NULL: the key signs
};

// Reads the key; or finds the command, and reads its public key or asks for it, which runs the loop for that time.
struct signer *signer_new(struct loop *loop, struct spawner *spawner, const struct signer_options *options,
                          struct error *ret_error) GL_MUST_CHECK;
void signer_free(struct signer *signer);

// Reads the key again where its file changed, or asks the command for it again where its signatures do not fit; one that
// cannot be used is logged, and the old one kept. True: it is another key than the last call left.
bool signer_refresh(struct signer *signer);
const struct ed25519_public *signer_public(const struct signer *signer);

// `signature` has ED25519_SIGNATURE_SIZE bytes and fits the public key; NULL: `error` says why there is none.
typedef void signer_done_fn(void *arg, const char *signature, const struct error *error);
// Ends with `done`, never from inside, or with signer_cancel.
struct signer_request *signer_sign(struct signer *signer, struct bytes blob, signer_done_fn *done, void *arg)
    GL_MUST_CHECK;
void signer_cancel(struct signer_request *request);

#endif
