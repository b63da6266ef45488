// Takes from the process the files that it has no business with, where the kernel can do that (Landlock).
#ifndef GITLATCH_SANDBOX_FILES_H
#define GITLATCH_SANDBOX_FILES_H

#include <stdbool.h>
#include <stddef.h>

#include <gitlatch/attr.h>

#include "error.h"

// From now on, for this thread and those that it starts: files are written, made and removed beneath these directories alone
// (NULL and what is not there are left out) and in /dev/null; nothing is run; and no TCP port is bound (kernels from 6.7 on).
// After sandbox_enter, and once all is listened on. False: the kernel has no Landlock, and nothing has changed.
bool sandbox_files_enter(const char *const *writable, size_t count, struct error *ret_error) GL_MUST_CHECK;

#endif
