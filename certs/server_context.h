// A TLS server of ours, before it has a certificate: TLS 1.2 and 1.3 with ECDHE and AEAD alone, HTTP/1.1 alone,
// resumption by tickets. The sidecar shows a leaf with it, the broker its own certificate.
#ifndef GITLATCH_SERVER_CONTEXT_H
#define GITLATCH_SERVER_CONTEXT_H

#include <openssl/types.h>

#include <gitlatch/attr.h>

// The caller owns one reference (SSL_CTX_free). NULL: OpenSSL's error queue says why.
SSL_CTX *server_context_new(void) GL_MUST_CHECK;

#endif
