#include "audit_line.h"

#include <jansson.h>
#include <string.h>

#include <gitlatch/reason.h>

#include "printable.h"

// More refs of a push are counted, not named.
#define REFS_SHOWN 3

static const char *member(const json_t *object, const char *name)
{
    const char *value = json_string_value(json_object_get(object, name));

    return value ? value : "";
}

static void append_word(struct text *text, const char *before, const char *value)
{
    if (!*value)
        return;
    text_append(text, before);
    printable_append(text, bytes_of_string(value));
}

// "2026-11-28T09:57:01.123Z" as "2026-11-28 09:57:01Z".
static void append_time(struct text *text, const char *time)
{
    struct bytes day, clock, seconds, rest;

    if (!bytes_cut(bytes_of_string(time), 'T', &day, &clock) || !bytes_cut(clock, '.', &seconds, &rest)) {
        printable_append(text, bytes_of_string(time));
        return;
    }
    printable_append(text, day);
    text_append_char(text, ' ');
    printable_append(text, seconds);
    text_append_char(text, 'Z');
}

struct outcome {
    const char *word;
    const char *colour;
};

// A failure on the way is no refusal: the decision is "allow", and a reason is there.
static struct outcome find_outcome(const json_t *event)
{
    const char *decision = member(event, "decision"), *result = member(event, "result");

    if (strcmp(decision, "deny") == 0 || strcmp(result, "refused") == 0)
        return (struct outcome){"DENY", "\033[1;31m"};
    if (strcmp(result, "failed") == 0 || *member(event, "reason"))
        return (struct outcome){"FAIL", "\033[33m"};
    if (strcmp(decision, "anonymous") == 0)
        return (struct outcome){"anon", "\033[36m"};
    return (struct outcome){*decision ? "allow" : "ok", "\033[32m"};
}

static void append_outcome(struct text *text, const json_t *event, bool colour)
{
    struct outcome outcome = find_outcome(event);

    text_format(text, "  %s%-5s%s", colour ? outcome.colour : "", outcome.word, colour ? "\033[0m" : "");
}

// The pod where it is known, else the address.
static void append_who(struct text *text, const json_t *event)
{
    const json_t *workspace = json_object_get(event, "workspace");
    const char *pod = member(workspace, "pod");

    if (*pod) {
        append_word(text, "  ", member(workspace, "namespace"));
        append_word(text, *member(workspace, "namespace") ? "/" : "  ", pod);
    } else {
        append_word(text, "  ", *member(event, "client") ? member(event, "client") : "-");
    }
}

static void append_refs(struct text *text, const json_t *refs)
{
    size_t count = json_array_size(refs);

    for (size_t i = 0; i < count && i < REFS_SHOWN; i++)
        append_word(text, " ", member(json_array_get(refs, i), "ref"));
    if (count > REFS_SHOWN)
        text_format(text, " and %zu more", count - REFS_SHOWN);
}

static void append_what(struct text *text, const json_t *event)
{
    const char *kind = member(event, "event"), *operation = member(event, "operation");
    bool named = *member(event, "repository");

    append_word(text, "  ", *operation ? operation : kind);
    append_word(text, " ", named ? member(event, "repository") : member(event, "host"));
    append_word(text, " ", member(event, "method"));
    append_word(text, " ", member(event, "path"));
    append_refs(text, json_object_get(event, "refs"));
    append_word(text, " for ", member(event, "scope"));
}

static void append_number(struct text *text, const char *before, const json_t *event, const char *name,
                          const char *after)
{
    json_int_t number = json_integer_value(json_object_get(event, name));

    if (number > 0)
        text_format(text, "%s%lld%s", before, (long long)number, after);
}

static const struct reason_row *find_reason(const char *code)
{
    for (enum reason reason = REASON_NONE + 1; reason < REASON_COUNT; reason++)
        if (strcmp(reason_row(reason)->code, code) == 0)
            return reason_row(reason);
    return NULL;
}

static void append_why(struct text *text, const json_t *event)
{
    const char *code = member(event, "reason");
    const struct reason_row *row = find_reason(code);

    append_word(text, "  rule ", member(event, "rule"));
    append_word(text, "  ", code);
    if (row && *row->code) {
        text_format(text, ": %s", *member(event, "message") ? "" : row->meaning);
        printable_append(text, bytes_of_string(member(event, "message")));
        append_word(text, "; ", row->remedy);
    } else {
        append_word(text, "  ", member(event, "message"));
    }
}

bool audit_line_append(struct bytes json, bool colour, struct text *text)
{
    json_t *event = json_loadb(json.data, json.size, 0, NULL);

    if (!*member(event, "ts") || !*member(event, "event")) {
        json_decref(event);
        return false;
    }
    append_time(text, member(event, "ts"));
    append_outcome(text, event, colour);
    append_who(text, event);
    append_what(text, event);
    append_number(text, "  status ", event, "status", "");
    append_number(text, "  up ", event, "bytes_up", " B");
    append_number(text, "  down ", event, "bytes_down", " B");
    append_number(text, "  ", event, "duration_ms", " ms");
    append_why(text, event);
    text_append_char(text, '\n');
    json_decref(event);
    return true;
}
