// What a request asks of a GitHub, told from its method, host and target alone.
#ifndef GITLATCH_GITHUB_OPERATION_H
#define GITLATCH_GITHUB_OPERATION_H

#include "operation.h"

// Tells the operation. `target` is in origin, absolute or asterisk form, was accepted by target_parse, and
// outlives the operation. Refused are a malformed name, a forbidden endpoint, the dumb protocol, a method;
// `ret_operation` is filled as far as it is known also then, so that the refusal takes the right form (against
// the convention of attr.h).
bool github_operation_parse(const struct github_host *host, enum github_endpoint endpoint, enum head_method method,
                            const struct target *target, struct operation *ret_operation, struct verdict *ret_verdict)
    GL_MUST_CHECK;

#endif
