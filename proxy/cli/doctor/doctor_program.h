// Runs one program to its end, within a time limit, and keeps what it prints.
#ifndef GITLATCH_DOCTOR_PROGRAM_H
#define GITLATCH_DOCTOR_PROGRAM_H

#include <stdbool.h>
#include <stdint.h>

#include <gitlatch/attr.h>

#include "text.h"

// More is read and dropped: an installation's certificates of Java have about 300 KiB.
#define DOCTOR_PROGRAM_OUTPUT_MAX (2 * MIB)

struct doctor_program {
    const char *const *argv;        // ends with NULL; looked up in PATH
    const char *const *environment; // NAME=VALUE, or NAME to take it away; ends with NULL; NULL: as it is
    const char *directory;          // NULL: the working directory
    bool errors_only;               // stdout is dropped unread
};

enum doctor_program_end { DOCTOR_PROGRAM_EXITED, DOCTOR_PROGRAM_TIMED_OUT, DOCTOR_PROGRAM_FAILED };

// stdin is empty and there is no terminal, so that it cannot ask a person. `ret_output` holds stdout and stderr as they
// came; freed by the caller. `ret_status` is the exit status, 128 and the signal's number where one ended it.
enum doctor_program_end doctor_program_run(const struct doctor_program *program, int64_t timeout_ms,
                                           struct text *ret_output, int *ret_status) GL_MUST_CHECK;
// Whether a program of this name is in PATH.
bool doctor_program_is_found(const char *name);

#endif
