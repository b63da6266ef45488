// Percent-encoding (RFC 3986, 2.1).
#ifndef GITLATCH_PERCENT_H
#define GITLATCH_PERCENT_H

#include <gitlatch/bytes.h>

// The value of a hexadecimal digit; -1: it is none.
int percent_hex_value(char byte);

// Takes the next byte, decoded, off a text that is not empty: 0 to 255. -1: a `%` without two hexadecimal
// digits, nothing is taken.
int percent_next(struct bytes *text);

#endif
