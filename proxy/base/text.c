#include "text.h"

#include <stdint.h>

#include "mem.h"

// The first block holds an audit event.
#define FIRST_CAPACITY ((size_t)1024)

void text_init(struct text *text, size_t limit)
{
    *text = (struct text){.limit = limit};
}

void text_clear(struct text *text)
{
    text->size = 0;
    text->cut = false;
    if (text->data)
        text->data[0] = '\0';
}

void text_free(struct text *text)
{
    mem_free(text->data);
    text_init(text, text->limit);
}

// Whether `count` more bytes may be added; makes room for them and a NUL.
static bool reserve(struct text *text, size_t count)
{
    size_t need;

    if (text->cut || (text->limit && count > text->limit - text->size)) {
        text->cut = true;
        return false;
    }
    need = text->size + count + 1;
    if (need > text->capacity)
        text->data = mem_grow(text->data, &text->capacity, need > FIRST_CAPACITY ? need : FIRST_CAPACITY, 1);
    return true;
}

void text_append(struct text *text, const char *string)
{
    text_append_bytes(text, bytes_of_string(string));
}

void text_append_slowly(struct text *text, struct bytes bytes)
{
    if (!reserve(text, bytes.size))
        return;
    if (bytes.size)
        memcpy(text->data + text->size, bytes.data, bytes.size);
    text->size += bytes.size;
    text->data[text->size] = '\0';
}

void text_append_number(struct text *text, uint64_t number)
{
    char digits[sizeof("18446744073709551615")];
    size_t at = sizeof(digits);

    do {
        digits[--at] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    text_append_bytes(text, bytes_of(digits + at, sizeof(digits) - at));
}

void text_format_list(struct text *text, const char *format, va_list list)
{
    size_t room = text->capacity - text->size;
    va_list again;
    int length;

    if (text->cut)
        return;
    // Mostly it fits where it is; else it is formatted twice.
    va_copy(again, list);
    length = vsnprintf(room ? text->data + text->size : NULL, room, format, again);
    va_end(again);
    if (length >= 0 && reserve(text, (size_t)length)) {
        if ((size_t)length >= room)
            vsnprintf(text->data + text->size, (size_t)length + 1, format, list);
        text->size += (size_t)length;
    } else if (room) {
        text->data[text->size] = '\0';
    }
}

void text_format(struct text *text, const char *format, ...)
{
    va_list list;

    va_start(list, format);
    text_format_list(text, format, list);
    va_end(list);
}

static bool in_range(unsigned char c, unsigned char low, unsigned char high)
{
    return c >= low && c <= high;
}

// Size of the well-formed UTF-8 sequence at the start (Unicode 15, table 3-7); 0: it is none.
static size_t utf8_sequence(struct bytes at)
{
    unsigned char c[4] = {0};
    size_t size;

    memcpy(c, at.data, at.size < sizeof(c) ? at.size : sizeof(c));
    if (c[0] < 0x80)
        return 1;
    if (in_range(c[0], 0xc2, 0xdf))
        size = 2;
    else if (in_range(c[0], 0xe0, 0xef))
        size = 3;
    else if (in_range(c[0], 0xf0, 0xf4))
        size = 4;
    else
        return 0;
    // The first byte narrows what the second may be: no overlong form, no surrogate, nothing above U+10FFFF.
    if (!in_range(c[1],
                  c[0] == 0xe0   ? 0xa0
                  : c[0] == 0xf0 ? 0x90
                                 : 0x80,
                  c[0] == 0xed   ? 0x9f
                  : c[0] == 0xf4 ? 0x8f
                                 : 0xbf))
        return 0;
    for (size_t i = 2; i < size; i++)
        if (!in_range(c[i], 0x80, 0xbf))
            return 0;
    return size <= at.size ? size : 0;
}

bool text_is_utf8(struct bytes bytes)
{
    while (bytes.size) {
        size_t sequence = utf8_sequence(bytes);

        if (!sequence)
            return false;
        bytes = bytes_skip(bytes, sequence);
    }
    return true;
}

size_t text_whole_size(struct bytes bytes, size_t size)
{
    if (bytes.size < size)
        return bytes.size;
    // Back to the beginning of the last character, and over it where it is whole.
    for (size_t begin = size; begin > 0 && size - begin < 4;) {
        unsigned char c = (unsigned char)bytes.data[--begin];

        if (c < 0x80 || c >= 0xc0) {
            size_t sequence = utf8_sequence(bytes_of(bytes.data + begin, size - begin));

            return sequence ? begin + sequence : begin;
        }
    }
    return size;
}

static void append_escaped(struct text *text, unsigned char c)
{
    static const char letters[] = {
        ['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r', ['"'] = '"', ['\\'] = '\\'};

    if (c < sizeof(letters) && letters[c])
        text_append_bytes(text, bytes_of((char[]){'\\', letters[c]}, 2));
    else
        text_format(text, "\\u%04x", c);
}

static bool needs_escape(unsigned char c)
{
    return c < ' ' || c == '"' || c == '\\' || c == 0x7f;
}

// Size of what at the start goes as it is and is ASCII.
static size_t plain_ascii(struct bytes bytes)
{
    size_t size = 0;

    while (size < bytes.size && (unsigned char)bytes.data[size] < 0x80 &&
           !needs_escape((unsigned char)bytes.data[size]))
        size++;
    return size;
}

void text_append_json_string(struct text *text, struct bytes bytes)
{
    size_t before = text->size, plain = plain_ascii(bytes);

    text_append_char(text, '"');
    while (bytes.size > plain) {
        struct bytes rest = bytes_skip(bytes, plain);
        unsigned char first = (unsigned char)rest.data[0];
        size_t sequence = first < 0x80 ? 1 : utf8_sequence(rest);

        if (sequence && !needs_escape(first)) {
            plain += sequence;
            continue;
        }
        text_append_bytes(text, bytes_of(bytes.data, plain));
        if (sequence)
            append_escaped(text, first);
        else
            text_append(text, "\xef\xbf\xbd");
        bytes = bytes_skip(rest, 1);
        plain = 0;
    }
    text_append_bytes(text, bytes);
    text_append_char(text, '"');
    if (text->cut && text->data) {
        text->size = before;
        text->data[before] = '\0';
    }
}

const char *text_string(const struct text *text)
{
    return text->data ? text->data : "";
}

struct bytes text_bytes(const struct text *text)
{
    return bytes_of(text_string(text), text->size);
}
