// The TLS side toward GitHub and other upstreams: one SSL_CTX for life (loading the roots takes tens of
// milliseconds), names verified, the last session of each host kept for the next handshake.
#ifndef GITLATCH_TLS_CLIENT_H
#define GITLATCH_TLS_CLIENT_H

#include <stdbool.h>

#include <openssl/ssl.h>

#include <gitlatch/attr.h>

#include "error.h"

struct tls_client;

// `trust`: PEM file with the roots. The caller owns one reference.
struct tls_client *tls_client_new(const char *trust, struct error *ret_error) GL_MUST_CHECK;
struct tls_client *tls_client_ref(struct tls_client *client);
void tls_client_unref(struct tls_client *client); // NULL: nothing

// Reads a certificate, with its chain, and its key, by which this side proves itself where a server asks. The old ones stay
// where they cannot be read.
bool tls_client_set_certificate(struct tls_client *client, const char *certificate, const char *key,
                                struct error *ret_error) GL_MUST_CHECK;
// Puts them into another context; nothing where there are none.
bool tls_client_use_certificate(const struct tls_client *client, SSL_CTX *context) GL_MUST_CHECK;

// The roots, for another library that verifies by them; on loan as long as the client lives.
X509_STORE *tls_client_roots(const struct tls_client *client);

// An SSL for one connection to `host` (a name made normal, or a literal address), which its certificate must name.
// ALPN offers http/1.1 alone. Owned by the caller.
SSL *tls_client_ssl(struct tls_client *client, const char *host) GL_MUST_CHECK;

#endif
