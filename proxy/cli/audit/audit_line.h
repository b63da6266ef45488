// One audit event as a line for people: time, decision, who, what, why.
#ifndef GITLATCH_AUDIT_LINE_H
#define GITLATCH_AUDIT_LINE_H

#include <stdbool.h>

#include <gitlatch/attr.h>

#include "bytes.h"
#include "text.h"

// Appends the line with its end; `colour` for a terminal. False: `json` is no audit event (a torn line), and nothing is
// appended. Control characters in the event's values become "?", so that none reaches a terminal.
bool audit_line_append(struct bytes json, bool colour, struct text *text) GL_MUST_CHECK;

#endif
