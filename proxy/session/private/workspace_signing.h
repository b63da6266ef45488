// Signed commits of a workspace: the signer, its agent, and what is done when the key changes.
#ifndef GITLATCH_WORKSPACE_SIGNING_H
#define GITLATCH_WORKSPACE_SIGNING_H

#include <sys/types.h>

#include <gitlatch/attr.h>

#include "config.h"
#include "error.h"

struct loop;
struct metrics;
struct spawner;
struct workspace_signing;

// Another key is in use from now on; "ssh-ed25519 AAAA…", on loan.
typedef void workspace_signing_key_fn(void *arg, const char *public_key);

struct workspace_signing_options {
    struct loop *loop;
    struct metrics *metrics;
    struct spawner *spawner;
    const struct config_signing *config;
    workspace_signing_key_fn *on_key; // for each key after the first
    void *arg;
};

// Reads the key, or asks `sign_command` for it: before anything is served, since that runs the loop.
struct workspace_signing *workspace_signing_new(const struct workspace_signing_options *options,
                                                struct error *ret_error) GL_MUST_CHECK;
void workspace_signing_free(struct workspace_signing *signing); // NULL: nothing
// The public key now; owned by the caller.
char *workspace_signing_key(const struct workspace_signing *signing) GL_MUST_CHECK;
// Opens the agent's socket in the published directory.
bool workspace_signing_listen(struct workspace_signing *signing, const char *directory, mode_t mode,
                              struct error *ret_error) GL_MUST_CHECK;

#endif
