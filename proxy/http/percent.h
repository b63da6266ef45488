// Percent-encoding (RFC 3986, 2.1).
#ifndef GITLATCH_PERCENT_H
#define GITLATCH_PERCENT_H

#include "bytes.h"

// The value of a hexadecimal digit; -1: it is none.
int percent_hex_value(char byte);

// The same as percent_next, of a text that begins with a `%`.
int percent_next_encoded(struct bytes *text);

// Takes the next byte, decoded, off a text that is not empty: 0 to 255. -1: a `%` without two hexadecimal
// digits, nothing is taken. Inline: most bytes of a path are plain, and each is read so three times.
static inline int percent_next(struct bytes *text)
{
    int byte = (unsigned char)text->data[0];

    if (byte == '%')
        return percent_next_encoded(text);
    *text = bytes_skip(*text, 1);
    return byte;
}

#endif
