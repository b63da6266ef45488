// The head of a request as GitHub is sent it, with the value of its Authorization field.
#ifndef GITLATCH_AUTHORIZATION_H
#define GITLATCH_AUTHORIZATION_H

#include <stdbool.h>

#include <gitlatch/attr.h>

#include "request.h"

struct secret;
struct stream;

// "Bearer TOKEN", or git's "Basic base64(x-access-token:TOKEN)". A reference, owned by the caller.
struct secret *authorization_new(const struct git_host *host, enum operation_authorization kind, struct secret *token)
    GL_MUST_CHECK;
// Writes the head to the stream, with the authorization by this token; NULL: without. False: it does not fit.
bool authorization_write_head(const struct request *request, struct secret *token, struct stream *stream) GL_MUST_CHECK;

#endif
