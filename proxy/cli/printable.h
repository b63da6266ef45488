// Text of others, made fit for a terminal.
#ifndef GITLATCH_PRINTABLE_H
#define GITLATCH_PRINTABLE_H

#include "bytes.h"
#include "text.h"

// Appends the bytes. Each control character, C1 ones in UTF-8 too, becomes "?".
void printable_append(struct text *text, struct bytes bytes);

#endif
