// GET /.well-known/gitlatch on the proxy's own address: what the workspace may do here.
#ifndef GITLATCH_RULES_ANSWER_H
#define GITLATCH_RULES_ANSWER_H

#include <stdbool.h>

#include <gitlatch/attr.h>

#include "head.h"

struct session;

// Whether a request asks for it.
bool rules_answer_is_asked(const struct head *request) GL_MUST_CHECK;
// Answers, and lets the session linger; what a web page or a foreign name asks is refused.
void rules_answer(struct session *session, const struct head *request);

#endif
