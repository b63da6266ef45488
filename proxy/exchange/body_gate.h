// Looks into a request's body before any of it is passed on: the commands of a push, git's probe, what an LFS or a
// GraphQL request asks for. What it looked at is held by the upload, and sent on when the gate opens.
#ifndef GITLATCH_BODY_GATE_H
#define GITLATCH_BODY_GATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <gitlatch/attr.h>
#include <gitlatch/repository_name.h>
#include <gitlatch/verdict.h>

#include "body.h"
#include "bytes.h"
#include "head.h"
#include "lfs_body.h"
#include "operation.h"
#include "push_commands.h"

enum body_gate_result {
    BODY_GATE_MORE,    // the body goes on
    BODY_GATE_DECIDED, // all that is to be known is known
    BODY_GATE_REFUSED, // see the verdict
};

struct body_gate;
struct graphql_hint;

// NULL: the operation's body is passed on unseen. A fetch's body is looked at only where its length is that of a probe.
struct body_gate *body_gate_new(const struct operation *operation, const struct head *request);
void body_gate_free(struct body_gate *gate); // NULL: nothing
// Bytes of the body that it keeps.
size_t body_gate_size(const struct body_gate *gate);
enum operation_gate body_gate_kind(const struct body_gate *gate);

// Takes the raw bytes of the body in their order, until it is decided; `end`: no more will come.
enum body_gate_result body_gate_feed(struct body_gate *gate, struct bytes raw, bool end, struct verdict *ret_verdict)
    GL_MUST_CHECK;

// After BODY_GATE_DECIDED: whether the body is git's probe, which is answered here.
bool body_gate_is_probe(const struct body_gate *gate);
// GATE_PUSH: the commands as far as they were read.
const struct push_commands *body_gate_push(const struct body_gate *gate);
// BODY_GATE_LFS_*.
const struct lfs_body *body_gate_lfs(const struct body_gate *gate);
// GATE_GRAPHQL: whom the variables name.
const struct graphql_hint *body_gate_graphql(const struct body_gate *gate);

// GATE_PUSH, after BODY_GATE_DECIDED: goes on counting the pack. False once it is larger than `max_pack`.
bool body_gate_count(struct body_gate *gate, struct bytes raw, uint64_t max_pack) GL_MUST_CHECK;

#endif
