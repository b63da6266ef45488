// A directory that only we can look into, for as long as a command runs.
#ifndef GITLATCH_TEMPORARY_DIRECTORY_H
#define GITLATCH_TEMPORARY_DIRECTORY_H

#include <gitlatch/attr.h>

#include "error.h"

// In TMPDIR, else /tmp: "/tmp/NAME-XXXXXX". NULL: it cannot be made. Given to temporary_directory_remove.
char *temporary_directory_make(const char *name, struct error *ret_error) GL_MUST_CHECK;
// With all that is in it, and frees the name.
void temporary_directory_remove(char *path);

#endif
