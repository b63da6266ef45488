// One request of a workspace and its answer. It alone knows the parts that do the work, and they do not know each other:
//
//   request ──▶ judgement (head) ──▶ upload (gate) ──▶ judgement (body) ──▶ attempt ──▶ upload (send) ──▶ GitHub
//   client ◀── download: GitHub's answer, or own_answer: a refusal or failure; then ──▶ record
//
// Whatever ends a request early is a verdict: until a byte of an answer has gone out it becomes an answer, afterwards the
// connection is ended. README.md follows a push through it.
#ifndef GITLATCH_EXCHANGE_H
#define GITLATCH_EXCHANGE_H

#include <stdbool.h>

#include <gitlatch/reason.h>
#include <gitlatch/verdict.h>

#include "client.h"
#include "head.h"

struct exchange;
struct text;

// Starts with a head that was parsed whole at the front of the client's input. The exchange is `client->exchange` until it
// ends, which may be before this returns.
void exchange_start(struct client *client, const struct head *head);
// Starts with a request to the proxy itself, or with what is no request (`head` NULL: the connection ends afterwards),
// that is answered with this verdict.
void exchange_start_refused(struct client *client, const struct head *head, const struct verdict *verdict);
// The connection ends: the exchange is recorded with this reason, and nothing more is called.
void exchange_abort(struct exchange *exchange, enum reason reason);

// Whether the client may have another request of the same operation to send, once it has this answer: no answer has begun, or
// less than `answered_ms` ago (a pack takes longer), and it is no push, which ends one.
bool exchange_may_be_followed(const struct exchange *exchange, int64_t answered_ms);
// Appends the exchange in progress as a JSON object, for /status. `more`: it follows another one.
void exchange_describe(const struct exchange *exchange, bool more, struct text *text);

// The client's stream has more input, or its end; it takes more output.
void exchange_client_input(struct exchange *exchange);
void exchange_client_output(struct exchange *exchange);

#endif
