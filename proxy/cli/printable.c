#include "printable.h"

void printable_append(struct text *text, struct bytes bytes)
{
    for (size_t i = 0; i < bytes.size; i++) {
        unsigned char c = (unsigned char)bytes.data[i];
        unsigned char next = i + 1 < bytes.size ? (unsigned char)bytes.data[i + 1] : 0;
        // UTF-8's C1 control characters are 0xC2 0x80 to 0xC2 0x9F; some terminals obey them.
        bool c1 = c == 0xC2 && next >= 0x80 && next < 0xA0;

        text_append_char(text, c < 0x20 || c == 0x7F || c1 ? '?' : bytes.data[i]);
        i += c1;
    }
}
