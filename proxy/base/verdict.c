#include <gitlatch/verdict.h>

#include <stdarg.h>

#include "mem.h"
#include "redact.h"
#include "text.h"

// UTF-8's C1 control characters are 0xC2 0x80 to 0xC2 0x9F; some terminals obey them.
static bool is_c1(const char *at)
{
    return (unsigned char)at[0] == 0xc2 && (unsigned char)at[1] >= 0x80 && (unsigned char)at[1] < 0xa0;
}

// The text, which ends with NUL, as it may be shown: of what a peer said, no credential is repeated, no line end becomes one
// in our answer, and no escape reaches a terminal.
static void set_sentence(struct verdict *verdict, char *text, size_t size)
{
    size = redact(text, size);
    size = text_whole_size(bytes_of(text, size), sizeof(verdict->sentence) - 1);
    for (size_t i = 0; i < size; i++)
        if (is_c1(text + i))
            text[i] = text[i + 1] = ' ';
    for (size_t i = 0; i < size; i++)
        verdict->sentence[i] = (unsigned char)text[i] < ' ' || text[i] == 0x7f ? ' ' : text[i];
}

bool verdict_set(struct verdict *verdict, enum reason reason, const char *format, ...)
{
    va_list list;
    char *text;

    memset(verdict, 0, sizeof(*verdict));
    verdict->reason = reason;
    if (!format) {
        snprintf(verdict->sentence, sizeof(verdict->sentence), "%s", reason_row(reason)->meaning);
        return false;
    }
    va_start(list, format);
    text = mem_format_list(format, list);
    va_end(list);
    set_sentence(verdict, text, strlen(text));
    mem_free(text);
    return false;
}

int verdict_status(const struct verdict *verdict)
{
    return verdict->status ? verdict->status : reason_row(verdict->reason)->status;
}
