// What `check` and `doctor` found: one line each, or one JSON document.
#ifndef GITLATCH_FINDING_H
#define GITLATCH_FINDING_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include <gitlatch/attr.h>

enum finding_state {
    FINDING_OK,
    FINDING_WARNING, // worth knowing; the exit status stays 0
    FINDING_WRONG,
};

// Within a finding's text: what follows says why it matters, and what mends it, best a command. Each may be left out, and
// stands there once, in this order.
#define FINDING_WHY  "\x1e"
#define FINDING_MEND "\x1f"

struct findings {
    bool json;
    size_t count;
    bool wrong; // one of them was
};

// A document that was begun is ended by findings_end.
void findings_begin(struct findings *findings, bool json);
void findings_end(struct findings *findings);
// Prints it at once on stdout, since what comes next may take seconds. `subject` is what was looked at: a tool, a key of the
// configuration, a host.
void finding_add(struct findings *findings, enum finding_state state, const char *subject, const char *format, ...)
    GL_PRINTF(4, 5);
void finding_add_list(struct findings *findings, enum finding_state state, const char *subject, const char *format,
                      va_list values) GL_PRINTF(4, 0);

#endif
