// truststore.p12: the same certificates as bundle.pem, in the form that Java reads.
#ifndef GITLATCH_TRUST_STORE_H
#define GITLATCH_TRUST_STORE_H

#include <gitlatch/attr.h>

#include "bytes.h"
#include "error.h"
#include "text.h"

// Appends a PKCS #12 store (RFC 7292) with each certificate of `bundle`, in PEM. Nothing in it is secret, so that it is
// neither encrypted nor has a MAC: Java (8u301, 11.0.12, 17 and later) opens it with any password and without one.
bool trust_store_append(struct text *store, struct bytes bundle, struct error *ret_error) GL_MUST_CHECK;

#endif
