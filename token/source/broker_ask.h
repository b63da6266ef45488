// One call to a broker: waits for the caller's identity where that must be had first, and sends the call with it.
#ifndef GITLATCH_BROKER_ASK_H
#define GITLATCH_BROKER_ASK_H

#include <gitlatch/attr.h>

#include "bytes.h"
#include "caller_identity.h"
#include "http_transport.h"
#include "source.h"

struct broker_ask;

// Exactly one of the two is not NULL, on loan: the answer whatever its status, or why the call could not be sent.
typedef void broker_ask_fn(void *arg, const struct http_answer *answer, const struct source_failure *failure);

// POST of `json` (copied) to `path` at the broker. Ends with `done`, never from inside, or with broker_ask_cancel.
struct broker_ask *broker_ask_start(struct source *source, struct caller_identity *identity, const char *path,
                                    const char *json, broker_ask_fn *done, void *arg) GL_MUST_CHECK;
void broker_ask_cancel(struct broker_ask *ask);

// Why an answer other than 200 gave nothing.
void broker_ask_failure(const struct source *source, const struct caller_identity *identity,
                        const struct http_answer *answer, struct source_failure *ret_failure);

#endif
