#include "percent.h"

#include "hex.h"

bool percent_encoded(struct bytes text)
{
    return text.size && memchr(text.data, '%', text.size) != NULL;
}

struct bytes percent_decode(struct bytes text, char *ret_text)
{
    size_t size = 0;

    for (size_t i = 0; i < text.size; i++) {
        bool escape = text.data[i] == '%' && text.size - i > 2;
        int high = escape ? hex_value(text.data[i + 1]) : -1;
        int low = escape ? hex_value(text.data[i + 2]) : -1;

        if (high >= 0 && low >= 0) {
            ret_text[size++] = (char)(high * 16 + low);
            i += 2;
        } else {
            ret_text[size++] = text.data[i];
        }
    }
    return bytes_of(ret_text, size);
}
