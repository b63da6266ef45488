#include "percent.h"

int percent_hex_value(char byte)
{
    if (byte >= '0' && byte <= '9')
        return byte - '0';
    byte |= 0x20;
    return byte >= 'a' && byte <= 'f' ? byte - 'a' + 10 : -1;
}

int percent_next_encoded(struct bytes *text)
{
    int high, low;

    if (text->size < 3 || (high = percent_hex_value(text->data[1])) < 0 || (low = percent_hex_value(text->data[2])) < 0)
        return -1;
    *text = bytes_skip(*text, 3);
    return high << 4 | low;
}
