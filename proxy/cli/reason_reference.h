// The table of reasons, for people.
#ifndef GITLATCH_REASON_REFERENCE_H
#define GITLATCH_REASON_REFERENCE_H

#include "text.h"

// Appends every reason: its code and status, what it means, what to do.
void reason_reference_print(struct text *text);

#endif
