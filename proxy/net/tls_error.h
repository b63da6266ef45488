// Why OpenSSL could not use a file.
#ifndef GITLATCH_TLS_ERROR_H
#define GITLATCH_TLS_ERROR_H

#include <stdbool.h>

#include "error.h"

// Reads OpenSSL's queue of errors, and empties it: that the file at `path` could not be opened, or else "PATH: what: why".
// Always returns false. The queue was empty before the call that failed.
bool tls_error_set(struct error *error, const char *path, const char *what);

#endif
