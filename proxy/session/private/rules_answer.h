// GET /.well-known/gitlatch on the proxy's own address: what the workspace may do here.
#ifndef GITLATCH_RULES_ANSWER_H
#define GITLATCH_RULES_ANSWER_H

#include <stdbool.h>

#include <gitlatch/attr.h>

#include "client.h"
#include "head.h"

struct runtime;
struct text;

// The same as a JSON document, for the published rules.json.
void rules_answer_text(const struct runtime *runtime, struct text *out);
// Whether a request asks for it.
bool rules_answer_is_asked(const struct head *request) GL_MUST_CHECK;
// Sends and records the answer, and takes the request off the input; the connection ends after it. False: the answer
// does not fit the client's output.
bool rules_answer_send(struct client *client, const struct head *request) GL_MUST_CHECK;

#endif
