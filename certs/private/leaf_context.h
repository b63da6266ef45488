// The TLS server that shows a leaf (server_context.h). It is made once and shared by all connections, since making it costs more than a handshake.
#ifndef GITLATCH_LEAF_CONTEXT_H
#define GITLATCH_LEAF_CONTEXT_H

#include "leaf.h"

// The caller owns one reference (SSL_CTX_free).
SSL_CTX *leaf_context_new(const struct leaf *leaf, struct error *ret_error) GL_MUST_CHECK;

#endif
