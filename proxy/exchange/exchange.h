// One request of a workspace and its answer.
//
//   client ──head──▶ operation ──▶ policy ──▶ gate (looks into the body) ──▶ token + upstream ──▶ head, body ──▶ GitHub
//   client ◀──head, body, or an answer of our own in the form that the operation can show──────────────────── GitHub
//
// Whatever ends a request early is a verdict given to exchange_refuse: until a byte of an answer has gone out it
// becomes an answer, afterwards the connection is cut.
#ifndef GITLATCH_EXCHANGE_H
#define GITLATCH_EXCHANGE_H

#include <stdbool.h>

#include <gitlatch/reason.h>
#include <gitlatch/verdict.h>

#include "head.h"

struct exchange;
struct session;
struct text;

// Starts with a head that was parsed whole at the front of the client's input.
void exchange_start(struct session *session, const struct head *request);
// Starts with a request to the proxy itself, or with what is no request (`request` NULL: the connection is closed
// afterwards), that is answered with this verdict.
void exchange_start_refused(struct session *session, const struct head *request, const struct verdict *verdict);
// Cuts it: the event says why. For session_close alone.
void exchange_cut(struct exchange *exchange, enum reason reason);

// Appends what is under way as a JSON object, for /status; `more`: behind another one.
void exchange_describe(const struct exchange *exchange, bool more, struct text *text);

// The client's stream has news.
void exchange_client_input(struct exchange *exchange);
void exchange_client_output(struct exchange *exchange);

#endif
