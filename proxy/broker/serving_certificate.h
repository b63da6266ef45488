// The broker's own certificate: read again when its file changes, as cert-manager and Kubernetes exchange it. A
// connection keeps the one that it began with.
#ifndef GITLATCH_SERVING_CERTIFICATE_H
#define GITLATCH_SERVING_CERTIFICATE_H

#include <openssl/types.h>

#include <gitlatch/attr.h>

#include "clock.h"
#include "error.h"

struct loop;
struct serving_certificate;

// PEM files; the certificate's may hold its chain. `clients`: the CAs of clients' certificates, NULL: none are asked for. NULL
// sets the error.
struct serving_certificate *serving_certificate_new(struct loop *loop, const char *certificate, const char *key,
                                                    const char *clients, struct error *ret_error) GL_MUST_CHECK;
void serving_certificate_free(struct serving_certificate *serving); // NULL: nothing

// The context for a new connection, on loan. The files are looked at every second at most; ones that cannot be used are
// logged, and the old ones stay in use.
SSL_CTX *serving_certificate_context(struct serving_certificate *serving);
// The same, for a connection whose client may show a certificate; SSL_CTX_get_cert_store gives what verifies it now.
SSL_CTX *serving_certificate_clients_context(struct serving_certificate *serving);
// When it ends.
struct wall serving_certificate_end(const struct serving_certificate *serving);

#endif
