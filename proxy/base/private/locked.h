// Memory for secrets: locked, so that it is never swapped out, and left out of core dumps. Only secret.c uses
// it.
#ifndef GITLATCH_LOCKED_H
#define GITLATCH_LOCKED_H

#include <stddef.h>

#include <gitlatch/attr.h>

// All bytes zero. Where the system does not let memory be locked (RLIMIT_MEMLOCK), it is given all the same,
// with one warning (locked_warn_by). Exhaustion ends the process.
void *locked_alloc(size_t size) GL_MUST_CHECK;
// Wipes it. `size` is what was asked for.
void locked_free(void *block, size_t size);
// Calls `warn` with errno's code the first time that memory cannot be locked.
void locked_warn_by(void (*warn)(int code));

#endif
