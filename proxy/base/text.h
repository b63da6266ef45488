// A string that grows: JSON lines, pages, answers. Not for secrets: growing leaves copies behind.
#ifndef GITLATCH_TEXT_H
#define GITLATCH_TEXT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <gitlatch/attr.h>

#include "bytes.h"

// All zero is empty and without a limit.
struct text {
    char *data; // NUL-terminated once something was added
    size_t size;
    size_t capacity;
    size_t limit; // most bytes it may hold; 0: no limit
    bool cut;     // something did not fit; from then on nothing is added
};

// An empty text that holds at most `limit` bytes; 0: no limit.
void text_init(struct text *text, size_t limit);
// Empties it, keeps its memory and its limit.
void text_clear(struct text *text);
void text_free(struct text *text);

// A call whose bytes do not fit adds none of them and sets `cut`.
void text_append(struct text *text, const char *string);
static inline void text_append_bytes(struct text *text, struct bytes bytes);
static inline void text_append_char(struct text *text, char c);
// In decimal.
void text_append_number(struct text *text, uint64_t number);
void text_format(struct text *text, const char *format, ...) GL_PRINTF(2, 3);
void text_format_list(struct text *text, const char *format, va_list list) GL_PRINTF(2, 0);
// A JSON string with its quotes (RFC 8259, section 7). Bytes that are not UTF-8 become U+FFFD.
void text_append_json_string(struct text *text, struct bytes bytes);

// Whether all of it is well-formed UTF-8 (Unicode 15, table 3-7).
bool text_is_utf8(struct bytes bytes);
// Where to cut UTF-8 after at most `size` bytes, so that no character is cut in two.
size_t text_whole_size(struct bytes bytes, size_t size);

// Valid until the text next changes. Never NULL.
const char *text_string(const struct text *text);
struct bytes text_bytes(const struct text *text);

// Inside.

// text_append_bytes where room has to be made, or a limit is to be looked at.
void text_append_slowly(struct text *text, struct bytes bytes);

// Inline: an audit event is some fifty short pieces, most of a known size.
static inline void text_append_bytes(struct text *text, struct bytes bytes)
{
    if (text->limit > 0 || bytes.size >= text->capacity - text->size) {
        text_append_slowly(text, bytes);
        return;
    }
    if (bytes.size)
        memcpy(text->data + text->size, bytes.data, bytes.size);
    text->size += bytes.size;
    text->data[text->size] = '\0';
}

static inline void text_append_char(struct text *text, char c)
{
    text_append_bytes(text, bytes_of(&c, 1));
}

#endif
