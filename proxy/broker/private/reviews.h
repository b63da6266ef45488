// Proves callers by the cluster's TokenReview. A verdict is kept for a minute at most, and never past the token's end;
// however many ask with one token, the cluster is asked once. While it cannot be asked, nobody is let in whose verdict
// is not there yet.
#ifndef GITLATCH_REVIEWS_H
#define GITLATCH_REVIEWS_H

#include <gitlatch/attr.h>
#include <gitlatch/verdict.h>

#include "bytes.h"
#include "caller.h"

struct http_transport;
struct loop;
struct review_request;
struct reviews;
struct tls_client;

// Strings are copied; all pointers to other parts outlive it.
struct reviews_options {
    struct loop *loop;
    struct http_transport *transport;
    const char *api;              // base URL of the cluster's API
    struct tls_client *tls;       // NULL: `api` is http://, for tests
    const char *token_file;       // by which the broker proves itself to the cluster; read again when it changes
    const char *const *audiences; // that are accepted; of a token for several the first one counts
    size_t audience_count;
};

struct reviews *reviews_new(const struct reviews_options *options) GL_MUST_CHECK;
// Requests have ended or were cancelled.
void reviews_free(struct reviews *reviews); // NULL: nothing

// Exactly one of the two is not NULL, on loan. The verdict's reason is REASON_CALLER_UNPROVEN, REASON_CALLER_LIMIT or
// REASON_CLUSTER_UNREACHABLE.
typedef void review_done_fn(void *arg, const struct caller *caller, const struct verdict *verdict);

// `from` is the address that asks: one that shows many bad tokens is not listened to for a while. Ends with `done`,
// never from inside, or with review_request_cancel.
struct review_request *reviews_ask(struct reviews *reviews, struct bytes token, const char *from, review_done_fn *done,
                                   void *arg) GL_MUST_CHECK;
void review_request_cancel(struct review_request *request);

#endif
