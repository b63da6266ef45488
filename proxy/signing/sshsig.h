// The blob that `ssh-keygen -Y sign` has an agent sign (OpenSSH's PROTOCOL.sshsig, section 3): "SSHSIG", a namespace, a
// reserved string, the name of a hash, and the hash of the message.
#ifndef GITLATCH_SSHSIG_H
#define GITLATCH_SSHSIG_H

#include <gitlatch/attr.h>

#include "bytes.h"

enum sshsig_result {
    SSHSIG_GIT,       // well-formed, of namespace `git`: may be signed
    SSHSIG_NOT,       // something else, such as the challenge of an SSH login
    SSHSIG_NAMESPACE, // another namespace, such as `file`
    SSHSIG_MALFORMED, // a reserved field in use, an unknown hash, a hash of the wrong length, or bytes behind it
};

// Judges what an agent was asked to sign. A login's challenge (RFC 4252, section 7) begins with the session's id as a
// string, so its first byte is the first of a length: one that begins with "SSHSIG" would say a length of 1.4 GB.
enum sshsig_result sshsig_judge(struct bytes blob) GL_MUST_CHECK;

#endif
