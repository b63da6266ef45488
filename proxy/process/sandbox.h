// Takes from the process what it never needs, so that a bug in a parser cannot become a shell.
#ifndef GITLATCH_SANDBOX_H
#define GITLATCH_SANDBOX_H

#include <stdbool.h>

#include <gitlatch/attr.h>

#include "error.h"

// From now on, for every thread: no new privileges, and no system call that starts programs, looks into other
// processes, mounts, loads code into the kernel, or keeps keys: they fail with EPERM. For `proxy` and
// `broker`, after the spawner's fork. Where the kernel has no seccomp it fails, and the caller goes on with a
// warning. Does nothing in a build with sanitizers, whose leak check needs ptrace.
bool sandbox_enter(struct error *ret_error) GL_MUST_CHECK;

#endif
