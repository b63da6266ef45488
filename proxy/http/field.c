#include "field.h"

enum { TOKEN = FIELD_TOKEN_BYTE, VALUE = FIELD_VALUE_BYTE };

const uint8_t field_bytes[256] = {
    ['\t'] = VALUE,
    [' '] = VALUE,
    ['!'] = TOKEN | VALUE,
    ['"'] = VALUE,
    ['#' ... '\''] = TOKEN | VALUE,
    ['('] = VALUE,
    [')'] = VALUE,
    ['*'] = TOKEN | VALUE,
    ['+'] = TOKEN | VALUE,
    [','] = VALUE,
    ['-'] = TOKEN | VALUE,
    ['.'] = TOKEN | VALUE,
    ['/'] = VALUE,
    ['0' ... '9'] = TOKEN | VALUE,
    [':' ... '@'] = VALUE,
    ['A' ... 'Z'] = TOKEN | VALUE,
    ['[' ... ']'] = VALUE,
    ['^' ... '`'] = TOKEN | VALUE,
    ['a' ... 'z'] = TOKEN | VALUE,
    ['{'] = VALUE,
    ['|'] = TOKEN | VALUE,
    ['}'] = VALUE,
    ['~'] = TOKEN | VALUE,
    [0x80 ... 0xff] = VALUE,
};

static bool starts_with_nocase(struct bytes name, struct bytes prefix)
{
    return name.size >= prefix.size && bytes_equal_nocase(bytes_of(name.data, prefix.size), prefix);
}

static enum field_id family_of(struct bytes name)
{
    if (starts_with_nocase(name, BYTES("proxy-")))
        return FIELD_PROXY_OTHER;
    if (starts_with_nocase(name, BYTES("x-forwarded-")))
        return FIELD_X_FORWARDED;
    return FIELD_OTHER;
}

// A letter in lower case; some other bytes change too, but into none that begins or ends a name of the list.
#define LOWER(byte)                  ((uint8_t)((byte) | 0x20))
#define FIELD_KEY(size, first, last) ((size) << 16 | (size_t)LOWER(first) << 8 | LOWER(last))

enum field_id field_id_of(struct bytes name)
{
    if (name.size == 0)
        return FIELD_OTHER;
    switch (FIELD_KEY(name.size, name.data[0], name.data[name.size - 1])) {
#define FIELD_CASE(id, first, last, text)                                                                              \
    case FIELD_KEY(sizeof(text) - 1, first, last):                                                                     \
        if (bytes_equal_nocase(name, BYTES(text)))                                                                     \
            return FIELD_##id;                                                                                         \
        break;
        FIELD_LIST(FIELD_CASE)
#undef FIELD_CASE
    }
    return family_of(name);
}
