// A file that holds a secret (a key, a token), read again when it changes: a rotated Secret of Kubernetes, a token
// that an operator replaced.
#ifndef GITLATCH_SECRET_FILE_H
#define GITLATCH_SECRET_FILE_H

#include <stdbool.h>
#include <sys/stat.h>

#include <gitlatch/attr.h>

#include "error.h"
#include "secret.h"

// A PEM file of a 16,384-bit RSA key has 13 KiB.
#define SECRET_FILE_MAX (64 * KIB)

// Embedded by its owner.
struct secret_file {
    char *path;
    struct secret *secret; // as last read, without surrounding white space; NULL: not yet
    struct stat read_at;   // of the file when it was last read
};

void secret_file_init(struct secret_file *file, const char *path);
void secret_file_clear(struct secret_file *file);

// Makes `file->secret` what the file holds now; one stat(2) where it did not change. On failure (missing, not a
// regular file, empty, too large) `file->secret` stays what it was.
bool secret_file_refresh(struct secret_file *file, bool *ret_changed, struct error *ret_error) GL_MUST_CHECK;

#endif
