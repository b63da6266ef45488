// The value of the Authorization field that GitHub is sent.
#ifndef GITLATCH_AUTHORIZATION_H
#define GITLATCH_AUTHORIZATION_H

#include <gitlatch/attr.h>

#include "operation.h"

struct secret;

// "Bearer TOKEN", or git's "Basic base64(x-access-token:TOKEN)", which is made once for each token. A reference, owned by
// the caller.
struct secret *authorization_new(const struct git_host *host, enum operation_authorization kind, struct secret *token)
    GL_MUST_CHECK;

#endif
