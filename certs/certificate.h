// What the CA's certificate and a leaf's have in common: X.509 version 3 (RFC 5280), a random serial, a time.
#ifndef GITLATCH_CERTIFICATE_H
#define GITLATCH_CERTIFICATE_H

#include <stdbool.h>
#include <stdint.h>

#include <openssl/x509v3.h>

#include <gitlatch/attr.h>

#include "bytes.h"
#include "clock.h"
#include "error.h"

// A new key on P-256, which every TLS library takes and signs fast. NULL: OpenSSL failed.
EVP_PKEY *certificate_key_new(void) GL_MUST_CHECK;

// An unsigned certificate for a key; the caller owns it. NULL: OpenSSL failed.
X509 *certificate_new(EVP_PKEY *key, struct wall not_before, struct wall not_after) GL_MUST_CHECK;
// Gives it a serial number of 128 random bits, and another time.
bool certificate_set_serial(X509 *certificate) GL_MUST_CHECK;
bool certificate_set_time(X509 *certificate, struct wall not_before, struct wall not_after) GL_MUST_CHECK;
// Adds an attribute of the subject (NID_commonName, …).
bool certificate_add_name(X509 *certificate, int nid, const char *value) GL_MUST_CHECK;
// Adds an extension in the syntax of x509v3_config(5); `value` is a literal, never a name from outside.
bool certificate_add_extension(X509 *certificate, X509 *issuer, int nid, const char *value) GL_MUST_CHECK;
// A name of the form `type` (GEN_DNS, …), encoded as `string_type` (V_ASN1_…). NULL: OpenSSL failed.
GENERAL_NAME *certificate_general_name(int type, int string_type, struct bytes value) GL_MUST_CHECK;
bool certificate_sign(X509 *certificate, EVP_PKEY *issuer_key) GL_MUST_CHECK;

struct wall certificate_not_before(const X509 *certificate);
struct wall certificate_not_after(const X509 *certificate);

// Says what failed in OpenSSL's words and empties its queue of errors; returns false.
bool certificate_error(struct error *error, const char *what);

#endif
