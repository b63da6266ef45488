// A small HTTP/1.1 server for addresses of our own (admin, metrics, broker): whole requests with small bodies in, whole
// answers out, kept alive. It speaks the same strict HTTP as the forwarding path.
#ifndef GITLATCH_SERVICE_H
#define GITLATCH_SERVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/types.h>

#include <gitlatch/attr.h>

#include "address.h"
#include "answer.h"
#include "bytes.h"
#include "error.h"
#include "head.h"
#include "target.h"

struct loop;
struct service;
struct service_call;

// Answers a call with service_answer, at once or later.
typedef void service_handler_fn(void *arg, struct service_call *call);
// The context for a new connection: asked each time, so that a certificate can be exchanged.
typedef SSL_CTX *service_tls_fn(void *arg);

struct service_options {
    struct loop *loop;
    struct address address;
    service_tls_fn *tls; // NULL: plain HTTP
    void *tls_arg;
    size_t connections; // most at a time; beyond, an idle one makes room (client_shares.h), else the new one is closed
    size_t per_client;  // most from one address; 0: `connections`
    size_t body;        // longest body in bytes, 0: none; a longer one is 413
    int64_t timeout_ms; // for a request to arrive, and between two of a connection
    service_handler_fn *handler;
    void *arg;
};

struct service *service_new(const struct service_options *options, struct error *ret_error) GL_MUST_CHECK;
// Closes all connections; calls that were not answered are gone. NULL: nothing.
void service_free(struct service *service);
// Stops listening; what is under way goes on.
void service_stop(struct service *service);
// Where it listens, with the port that the kernel picked.
const struct address *service_address(const struct service *service);
// Connections: those on which an answer is still being sent, too.
size_t service_connections(const struct service *service);

// What is asked. Views, valid until it is answered or gone.
enum head_method service_call_method(const struct service_call *call);
const struct target *service_call_target(const struct service_call *call); // origin form
struct bytes service_call_field(const struct service_call *call, enum field_id id);
// How often the field is there.
size_t service_call_field_count(const struct service_call *call, enum field_id id);
struct bytes service_call_body(const struct service_call *call);
// The TLS that it came over; NULL: plain HTTP.
SSL *service_call_tls(const struct service_call *call);
// Closes the connection once the call is answered.
void service_call_close(struct service_call *call);
const struct address *service_call_client(const struct service_call *call);

// The client has gone before it was answered: the call is not to be used again after `fn` returns.
typedef void service_gone_fn(void *arg);
void service_call_watch(struct service_call *call, service_gone_fn *fn, void *arg);

// Answers with a body that goes on until the client or the service closes the connection (text/event-stream). The call is
// not ended: service_stream_send adds to the body, as long as the call is not gone (service_call_watch). False: it does
// not take more, and is gone when this returns: a client that reads nothing.
void service_stream_begin(struct service_call *call, struct bytes content_type);
bool service_stream_send(struct service_call *call, struct bytes bytes);

// Answers, and ends the call. `secret`: the body holds a token within its first 16 KiB, whose copy is wiped. `close` and
// `omit_body` of the answer are set here.
void service_answer(struct service_call *call, const struct answer *answer, bool secret);

#endif
