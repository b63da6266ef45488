#include "doctor.h"

#include <stdarg.h>
#include <stdio.h>

static void GL_PRINTF(3, 0) print_line(const char *word, const char *what, const char *format, va_list values)
{
    printf("%-5s %s: ", word, what);
    vprintf(format, values);
    putchar('\n');
    fflush(stdout); // what comes next may take seconds
}

void doctor_ok(struct doctor *doctor, const char *what, const char *format, ...)
{
    va_list values;

    va_start(values, format);
    print_line("ok", what, format, values);
    va_end(values);
}

void doctor_wrong(struct doctor *doctor, const char *what, const char *format, ...)
{
    va_list values;

    va_start(values, format);
    print_line("FAIL", what, format, values);
    va_end(values);
    doctor->ok = false;
}

void doctor_note(struct doctor *doctor, const char *what, const char *format, ...)
{
    va_list values;

    va_start(values, format);
    print_line("note", what, format, values);
    va_end(values);
}
