// The program that git runs to sign (gpg.ssh.program), and the list by which it verifies.
#ifndef GITLATCH_GIT_SIGN_H
#define GITLATCH_GIT_SIGN_H

#include <gitlatch/attr.h>

#define GIT_SIGN_PROGRAM         "ssh-sign"
#define GIT_SIGN_ALLOWED_SIGNERS "allowed_signers"

// A shell script that runs ssh-keygen with the agent of the published `directory`, and says why nothing was signed.
// Owned by the caller.
char *git_sign_program_text(const char *directory) GL_MUST_CHECK;
// The one key, for every author, for git alone (ssh-keygen(1), "ALLOWED SIGNERS"). Owned by the caller.
char *git_sign_allowed_signers_text(const char *public_key) GL_MUST_CHECK;

#endif
