// The exchange answers by itself: with a refusal or failure, to git's probe, or with what was kept. What is left of the
// request's body may have to be drained before the answer.
#ifndef GITLATCH_EXCHANGE_ANSWER_H
#define GITLATCH_EXCHANGE_ANSWER_H

#include <gitlatch/reason.h>
#include <gitlatch/verdict.h>

#include "own_answer.h"

struct exchange;

// The request goes no further, and is answered.
void exchange_answer_begin(struct exchange *exchange, enum own_answer_kind kind);
// Answers with a verdict; where the client has the beginning of another answer already, ends its connection.
void exchange_answer_refuse(struct exchange *exchange, const struct verdict *verdict);
// `sentence` NULL: the reason's own.
void exchange_answer_refuse_for(struct exchange *exchange, enum reason reason, const char *sentence);
// Sends what the client takes of the answer.
void exchange_answer_send(struct exchange *exchange);
// Drains what there is of the body; at its end the answer is sent, or the exchange ends where it was sent before.
void exchange_answer_drain(struct exchange *exchange);

#endif
