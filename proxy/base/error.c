#include "error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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

bool error_set_unreadable(struct error *error, const char *path, int code)
{
    if (code == EACCES)
        return error_set(error,
                         "%s: %s; this user (uid %u) must be able to read it, and to enter the directories above it",
                         path, strerrordesc_np(code), (unsigned)geteuid());
    char *folder = *path != '/' ? getcwd(NULL, 0) : NULL;
    error_set(error, "%s%s%s: %s%s", folder ? folder : "", folder ? "/" : "", path, strerrordesc_np(code),
              code == ENOENT ? "; put it there, or name another file" : "");
    free(folder);
    return false;
}
