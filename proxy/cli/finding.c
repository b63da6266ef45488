#include "finding.h"

#include <stdio.h>

#include "text.h"

static const struct {
    const char *word; // of a line
    const char *state;
} states[] = {
    [FINDING_OK] = {"ok", "ok"},
    [FINDING_WARNING] = {"note", "warning"},
    [FINDING_WRONG] = {"FAIL", "wrong"},
};

struct parts {
    struct bytes what, why, remedy; // empty: none
};

static struct parts split(struct bytes text)
{
    struct parts parts = {0};
    struct bytes rest;

    bytes_cut(text, FINDING_MEND[0], &rest, &parts.remedy);
    bytes_cut(rest, FINDING_WHY[0], &parts.what, &parts.why);
    return parts;
}

static void append_line(struct text *out, enum finding_state state, const char *subject, const struct parts *parts)
{
    text_format(out, "%-5s %s: ", states[state].word, subject);
    text_append_bytes(out, parts->what);
    if (parts->why.size > 0) {
        text_append(out, "; ");
        text_append_bytes(out, parts->why);
    }
    if (parts->remedy.size > 0) {
        text_append(out, "; ");
        text_append_bytes(out, parts->remedy);
    }
    text_append_char(out, '\n');
}

static void append_member(struct text *out, const char *name, struct bytes value)
{
    text_format(out, ",\"%s\":", name);
    text_append_json_string(out, value);
}

static void append_object(struct text *out, const struct findings *findings, enum finding_state state,
                          const char *subject, const struct parts *parts)
{
    text_format(out, "%s\n  {\"state\":\"%s\"", findings->count > 0 ? "," : "", states[state].state);
    append_member(out, "subject", bytes_of_string(subject));
    append_member(out, "what", parts->what);
    if (parts->why.size > 0)
        append_member(out, "why", parts->why);
    if (parts->remedy.size > 0)
        append_member(out, "remedy", parts->remedy);
    text_append_char(out, '}');
}

void findings_begin(struct findings *findings, bool json)
{
    *findings = (struct findings){.json = json};
    if (json)
        fputs("{\"findings\":[", stdout);
}

void findings_end(struct findings *findings)
{
    if (findings->json)
        printf("\n],\"ok\":%s}\n", findings->wrong ? "false" : "true");
}

void finding_add_list(struct findings *findings, enum finding_state state, const char *subject, const char *format,
                      va_list values)
{
    struct text text = {0}, out = {0};

    text_format_list(&text, format, values);
    struct parts parts = split(text_bytes(&text));
    if (findings->json)
        append_object(&out, findings, state, subject, &parts);
    else
        append_line(&out, state, subject, &parts);
    fwrite(text_string(&out), 1, out.size, stdout);
    fflush(stdout);
    findings->count++;
    findings->wrong |= state == FINDING_WRONG;
    text_free(&out);
    text_free(&text);
}

void finding_add(struct findings *findings, enum finding_state state, const char *subject, const char *format, ...)
{
    va_list values;

    va_start(values, format);
    finding_add_list(findings, state, subject, format, values);
    va_end(values);
}
