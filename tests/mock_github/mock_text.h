// A growable string, and memory that is there or ends the process.
#ifndef GITLATCH_MOCK_TEXT_H
#define GITLATCH_MOCK_TEXT_H

#include <stddef.h>

#include <gitlatch/attr.h>

#include "bytes.h"

struct mock_text {
    char *data; // NUL-terminated once something was added; may hold NUL before that too
    size_t size;
    size_t room;
};

// Zeroed memory, given back with free().
void *mock_text_allocate(size_t size);
char *mock_text_copy(const char *string);
char *mock_text_copy_bytes(struct bytes bytes);
char *mock_text_format(const char *format, ...) GL_PRINTF(1, 2);

void mock_text_add(struct mock_text *text, const void *data, size_t size);
void mock_text_add_string(struct mock_text *text, const char *string);
void mock_text_printf(struct mock_text *text, const char *format, ...) GL_PRINTF(2, 3);
// Room for `size` more bytes, to be filled by the caller, who then raises `text->size`.
char *mock_text_reserve(struct mock_text *text, size_t size);
void mock_text_clear(struct mock_text *text);
void mock_text_free(struct mock_text *text);
static inline const char *mock_text_string(const struct mock_text *text)
{
    return text->data ? text->data : "";
}

#endif
