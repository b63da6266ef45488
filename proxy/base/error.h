// One sentence that says what went wrong and how to mend it, for a command's stderr or for the log.
// Never holds a secret.
#ifndef GITLATCH_ERROR_H
#define GITLATCH_ERROR_H

#include <stdbool.h>

#include <gitlatch/attr.h>

// Room for a path, a line number and a sentence; a longer text is cut.
#define ERROR_TEXT_SIZE 1024

struct error {
    char text[ERROR_TEXT_SIZE];
};

// Writes the text; always returns false, so that a function can end with `return error_set(…)`.
// `error` may be NULL.
bool error_set(struct error *error, const char *format, ...) GL_PRINTF(2, 3);
// The same, and puts a context before the text that is there: "context: text".
bool error_prefix(struct error *error, const char *format, ...) GL_PRINTF(2, 3);

// That the file at `path` could not be opened for reading, as `code` (of errno) says, and what mends it: who must be
// able to read it, or that it must be there. Always returns false.
bool error_set_unreadable(struct error *error, const char *path, int code);

#endif
