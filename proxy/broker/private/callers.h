// Proves callers by the cluster's TokenReview. A verdict is kept for a minute at most, and never past the token's end;
// however many ask with one token, the cluster is asked once. While it cannot be asked, nobody is let in whose verdict
// is not there yet.
#ifndef GITLATCH_CALLERS_H
#define GITLATCH_CALLERS_H

#include <gitlatch/attr.h>
#include <gitlatch/verdict.h>

#include "bytes.h"
#include "caller.h"

struct callers;
struct callers_request;
struct http_transport;
struct loop;
struct tls_client;

// Strings are copied; all pointers to other parts outlive it.
struct callers_options {
    struct loop *loop;
    struct http_transport *transport;
    const char *api;              // base URL of the cluster's API
    struct tls_client *tls;       // NULL: `api` is http://, for tests
    const char *token_file;       // by which the broker proves itself to the cluster; read again when it changes
    const char *const *audiences; // that are accepted; of a token for several the first one counts
    size_t audience_count;
};

struct callers *callers_new(const struct callers_options *options) GL_MUST_CHECK;
// Requests have ended or were cancelled.
void callers_free(struct callers *callers); // NULL: nothing

// Exactly one of the two is not NULL, on loan. The verdict's reason is REASON_CALLER_UNPROVEN, REASON_CALLER_LIMIT or
// REASON_CLUSTER_UNREACHABLE.
typedef void callers_done_fn(void *arg, const struct caller *caller, const struct verdict *verdict);

// `from` is the address that asks: one that shows many bad tokens is not listened to for a while. Ends with `done`,
// never from inside, or with callers_cancel.
struct callers_request *callers_prove(struct callers *callers, struct bytes token, const char *from,
                                      callers_done_fn *done, void *arg) GL_MUST_CHECK;
void callers_cancel(struct callers_request *request);

#endif
