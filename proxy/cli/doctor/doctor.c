#include "doctor.h"

#include <stdarg.h>

void doctor_ok(struct doctor *doctor, const char *what, const char *format, ...)
{
    va_list values;

    va_start(values, format);
    finding_add_list(&doctor->findings, FINDING_OK, what, format, values);
    va_end(values);
}

void doctor_wrong(struct doctor *doctor, const char *what, const char *format, ...)
{
    va_list values;

    va_start(values, format);
    finding_add_list(&doctor->findings, FINDING_WRONG, what, format, values);
    va_end(values);
    doctor->ok = false;
}

void doctor_note(struct doctor *doctor, const char *what, const char *format, ...)
{
    va_list values;

    va_start(values, format);
    finding_add_list(&doctor->findings, FINDING_WARNING, what, format, values);
    va_end(values);
}
