// A file that takes the place of another in one step: it is written in full beside it, then renamed. Killed
// at any moment, a process leaves the old file or the new one, and perhaps a `.gitlatch-…` to sweep.
#ifndef GITLATCH_STAGED_FILE_H
#define GITLATCH_STAGED_FILE_H

#include <stdbool.h>
#include <sys/types.h>

#include <gitlatch/attr.h>

#include "bytes.h"
#include "error.h"

#define STAGED_FILE_PREFIX    ".gitlatch-"
#define STAGED_FILE_NAME_SIZE (sizeof(STAGED_FILE_PREFIX) + 16) // 64 random bits in hex

enum staged_file_kind {
    STAGED_FILE_KEPT,    // outlives a crash of the machine: it is flushed to the disk
    STAGED_FILE_DERIVED, // made anew at every start: a start waits for no disk
};

// All zero: nothing is staged.
struct staged_file {
    int directory;                         // borrowed
    const char *name;                      // borrowed
    char temporary[STAGED_FILE_NAME_SIZE]; // "": none
};

// Writes the temporary file; nobody else can read it before it has its mode.
bool staged_file_write(struct staged_file *file, int directory, const char *name, mode_t mode,
                       enum staged_file_kind kind, struct bytes content, struct error *ret_error) GL_MUST_CHECK;
// Renames it. That the names are kept too, the directory must be flushed, once for all its files.
bool staged_file_commit(struct staged_file *file, struct error *ret_error) GL_MUST_CHECK;
bool staged_file_flush(int directory, struct error *ret_error) GL_MUST_CHECK;
// Removes the temporary file, where there still is one.
void staged_file_discard(struct staged_file *file);

// Removes what killed processes have left: temporary files older than a minute (a live one is some
// milliseconds old).
void staged_file_sweep(int directory);

#endif
