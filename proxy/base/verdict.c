#include <gitlatch/verdict.h>

#include <stdarg.h>

bool verdict_set(struct verdict *verdict, enum reason reason, const char *format, ...)
{
    va_list list;

    memset(verdict, 0, sizeof(*verdict));
    verdict->reason = reason;
    if (!format) {
        snprintf(verdict->sentence, sizeof(verdict->sentence), "%s", reason_row(reason)->meaning);
        return false;
    }
    va_start(list, format);
    vsnprintf(verdict->sentence, sizeof(verdict->sentence), format, list);
    va_end(list);
    // A line end in what a peer said must not become one in our answer, nor a terminal's escape reach a
    // terminal.
    for (char *c = verdict->sentence; *c; c++)
        if ((unsigned char)*c < ' ' || *c == 0x7f)
            *c = ' ';
    return false;
}

int verdict_status(const struct verdict *verdict)
{
    return verdict->status ? verdict->status : reason_row(verdict->reason)->status;
}
