// Proves who asks: a token by the issuer that signed it or by the cluster's TokenReview, a certificate by what the TLS
// handshake verified. A token that is shown must be good, whatever the certificate is.
#ifndef GITLATCH_CALLERS_H
#define GITLATCH_CALLERS_H

#include <gitlatch/attr.h>
#include <gitlatch/verdict.h>

#include "bytes.h"
#include "caller.h"

struct callers;
struct callers_request;
struct issuer;
struct loop;
struct reviews;

// All pointers outlive it.
struct callers_options {
    struct loop *loop;
    struct reviews *reviews; // NULL: the cluster is not asked
    struct issuer **issuers; // that are trusted; two may share one `iss`
    size_t issuer_count;
};

struct callers *callers_new(const struct callers_options *options) GL_MUST_CHECK;
// Requests have ended or were cancelled.
void callers_free(struct callers *callers); // NULL: nothing

// What was shown.
struct callers_proof {
    struct bytes token;             // of the Authorization field; empty: none
    char *const *certificate_names; // of a verified certificate, copied; NULL: none
    const char *from;               // the address that asks: one that shows many bad tokens is held back for a while
};

// Exactly one of the two is not NULL, on loan. The verdict's reason is REASON_CALLER_UNPROVEN, REASON_CALLER_LIMIT,
// REASON_CLUSTER_UNREACHABLE or REASON_ISSUER_UNREACHABLE.
typedef void callers_done_fn(void *arg, const struct caller *caller, const struct verdict *verdict);

// Ends with `done`, never from inside, or with callers_cancel.
struct callers_request *callers_prove(struct callers *callers, const struct callers_proof *proof, callers_done_fn *done,
                                      void *arg) GL_MUST_CHECK;
void callers_cancel(struct callers_request *request);

#endif
