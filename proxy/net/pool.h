// Kept-alive connections to GitHub's hosts, and one of them kept warm, so that a workspace's first request waits for
// no handshake. A connection that carried a request goes only to requests of the same token owner again: no answer
// meant for one tenant can reach another.
#ifndef GITLATCH_POOL_H
#define GITLATCH_POOL_H

#include <stdbool.h>
#include <stdint.h>

#include <gitlatch/attr.h>
#include <gitlatch/verdict.h>

#include "dial.h"
#include "loop.h"

struct pool;
struct pool_request;

// A connection on loan. Its stream's owner is set by who borrows it.
struct upstream {
    struct stream *stream;
    bool reused; // it carried a request before: the peer may close it at any moment
    struct pool *pool;
    struct upstream *next, *previous; // the pool's
    char *host;
    char *owner; // NULL: no request was sent on it yet
    uint16_t port;
    bool aged; // it was unused for long, and serves on until another is there
    struct timer idle;
};

struct pool_options {
    struct loop *loop;
    const struct dialer *dialer; // outlives the pool
    struct tls_client *tls;      // a reference is taken
    struct metrics *metrics;
    int64_t idle_ms; // an unused connection is closed after this
};

struct pool *pool_new(const struct pool_options *options) GL_MUST_CHECK;
// Closes what is idle. Connections on loan must have come back.
void pool_free(struct pool *pool);

// An idle connection for this host and owner, or NULL: then pool_dial.
struct upstream *pool_take(struct pool *pool, const char *host, uint16_t port, const char *owner) GL_MUST_CHECK;
// Exactly one of the two is not NULL.
typedef void pool_done_fn(void *arg, struct upstream *upstream, const struct verdict *verdict);
// Makes a new connection. Ends with `done`, or with pool_cancel.
struct pool_request *pool_dial(struct pool *pool, const char *host, uint16_t port, const char *owner,
                               pool_done_fn *done, void *arg) GL_MUST_CHECK;
void pool_cancel(struct pool_request *request);
// Gives a connection back: `keep` where its exchange ended whole and both sides keep it alive; otherwise it is closed.
void pool_give(struct upstream *upstream, bool keep);

// Keeps one unused connection to this host ready from now on: another is made as soon as it is taken or grows old, and
// after a pause where GitHub closes it.
void pool_keep_warm(struct pool *pool, const char *host, uint16_t port);

#endif
