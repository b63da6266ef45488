#include <gitlatch/error.h>

#include <stdarg.h>

bool error_set(struct error *error, const char *format, ...)
{
    va_list list;

    if (!error)
        return false;
    va_start(list, format);
    vsnprintf(error->text, sizeof(error->text), format, list);
    va_end(list);
    return false;
}

bool error_prefix(struct error *error, const char *format, ...)
{
    char context[ERROR_TEXT_SIZE], text[ERROR_TEXT_SIZE];
    va_list list;

    if (!error)
        return false;
    va_start(list, format);
    vsnprintf(context, sizeof(context), format, list);
    va_end(list);
    memcpy(text, error->text, sizeof(text));
    // Where both do not fit, the end of the text is cut.
    if (snprintf(error->text, sizeof(error->text), "%s: %s", context, text) < 0)
        error->text[0] = '\0';
    return false;
}
