// What a command did through its private proxy, printed at its end (`gitlatch run --summary`): from the audit events.
#ifndef GITLATCH_RUN_SUMMARY_H
#define GITLATCH_RUN_SUMMARY_H

#include <stdint.h>

#include "bytes.h"
#include "text.h"

// Writes the lines: what was fetched, pushed and refused, in how many bytes and how long. `events` are audit events, one a
// line; what is none is passed over. Control characters in their values become "?", so that none reaches a terminal.
void run_summary_write(struct text *text, struct bytes events, int64_t duration_ms);

#endif
