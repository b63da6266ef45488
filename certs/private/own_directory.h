// A directory that is ours alone to write. Where the one that was named is not (somebody else owns it, or may
// write to it: /tmp, a volume of a pod), it is left as it is, and a subdirectory `gitlatch` of it is used.
#ifndef GITLATCH_OWN_DIRECTORY_H
#define GITLATCH_OWN_DIRECTORY_H

#include <stdbool.h>
#include <sys/types.h>

#include <gitlatch/attr.h>

#include "error.h"

// Opens it; makes it, and what is missing above it, where it is not there. `mode` is 0700 (nobody else may
// even look in) or 0755. A directory that exists is used itself if we own it and others have no access that
// `mode` denies; its mode is never changed. Otherwise the subdirectory must fulfil that, or it is an error.
// `*ret_path` is the path of the one that is used, absolute, owned by the caller; `*ret_descriptor` is open
// on it.
bool own_directory_open(const char *named, mode_t mode, char **ret_path, int *ret_descriptor, struct error *ret_error)
    GL_MUST_CHECK;
// For who reads what another process, perhaps another user's, keeps there: the directory that holds `file`,
// else the one that own_directory_open would use. Nothing is made. Absolute, owned by the caller.
char *own_directory_find(const char *named, mode_t mode, const char *file) GL_MUST_CHECK;

#endif
