// One run of a command by the spawner, without blocking the loop.
#ifndef GITLATCH_CHILD_H
#define GITLATCH_CHILD_H

#include <stddef.h>
#include <stdint.h>

#include <gitlatch/attr.h>

#include "bytes.h"
#include "error.h"

struct child;
struct secret;
struct spawner;

// A token has about 520 characters, a signature of RSA 4096 has 512 bytes; a helper may print JSON around it.
#define CHILD_INPUT_MAX  (64 * KIB)
#define CHILD_OUTPUT_MAX (64 * KIB)
// What a command said on stderr, of which the first line is quoted.
#define CHILD_MESSAGE_MAX 512

// Exactly one of the two is not NULL. `output` is what it wrote to stdout when it exited with 0, on loan
// during the call (secret_ref keeps it). `error` says what was wrong, with the first line of its stderr where
// it failed.
typedef void child_done_fn(void *arg, struct secret *output, const struct error *error);

// Runs command `index` with `input` (copied, at most CHILD_INPUT_MAX) on its stdin. After `timeout_ms` it and
// what it started are killed. Never calls `done` from inside. The child is freed after `done`, or by
// child_cancel.
struct child *child_run(struct spawner *spawner, size_t index, struct bytes input, int64_t timeout_ms,
                        child_done_fn *done, void *arg) GL_MUST_CHECK;
// Kills it; `done` is not called.
void child_cancel(struct child *child);

#endif
