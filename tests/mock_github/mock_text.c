#include "mock_text.h"

#include <stdarg.h>

static void *must(void *memory)
{
    if (!memory)
        abort();
    return memory;
}

void *mock_text_allocate(size_t size)
{
    return must(calloc(1, size ? size : 1));
}

char *mock_text_copy(const char *string)
{
    return must(strdup(string));
}

char *mock_text_copy_bytes(struct bytes bytes)
{
    char *copy = mock_text_allocate(bytes.size + 1);

    if (bytes.size)
        memcpy(copy, bytes.data, bytes.size);
    return copy;
}

char *mock_text_format(const char *format, ...)
{
    char *string = NULL;
    va_list arguments;

    va_start(arguments, format);
    if (vasprintf(&string, format, arguments) < 0)
        abort();
    va_end(arguments);
    return string;
}

char *mock_text_reserve(struct mock_text *text, size_t size)
{
    size_t need = text->size + size + 1;

    if (need > text->room) {
        size_t room = text->room ? text->room : 256;

        while (room < need)
            room *= 2;
        text->data = must(realloc(text->data, room));
        text->room = room;
    }
    return text->data + text->size;
}

void mock_text_add(struct mock_text *text, const void *data, size_t size)
{
    if (size)
        memcpy(mock_text_reserve(text, size), data, size);
    else
        mock_text_reserve(text, 0);
    text->size += size;
    text->data[text->size] = '\0';
}

void mock_text_add_string(struct mock_text *text, const char *string)
{
    mock_text_add(text, string, strlen(string));
}

void mock_text_printf(struct mock_text *text, const char *format, ...)
{
    char *string = NULL;
    int size;
    va_list arguments;

    va_start(arguments, format);
    size = vasprintf(&string, format, arguments);
    va_end(arguments);
    if (size < 0)
        abort();
    mock_text_add(text, string, (size_t)size);
    free(string);
}

void mock_text_clear(struct mock_text *text)
{
    text->size = 0;
    if (text->data)
        text->data[0] = '\0';
}

void mock_text_free(struct mock_text *text)
{
    free(text->data);
    *text = (struct mock_text){0};
}
