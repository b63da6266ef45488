#include "run_summary.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "mem.h"
#include "printable.h"

// What was done to one repository, or refused, in the order of the first event.
struct deed {
    char *text; // "fetched acme/widgets"
    uint64_t count, bytes_up, bytes_down;
};

struct deeds {
    struct deed *items;
    size_t count, capacity;
};

static const char *run_summary_member(const json_t *event, const char *key)
{
    const char *value = json_string_value(json_object_get(event, key));

    return value ? value : "";
}

static uint64_t number(const json_t *event, const char *key)
{
    json_int_t value = json_integer_value(json_object_get(event, key));

    return value > 0 ? (uint64_t)value : 0;
}

// Takes the text.
static void add_deed(struct deeds *deeds, char *text, const json_t *event)
{
    struct deed *deed = NULL;

    for (size_t i = 0; i < deeds->count && !deed; i++)
        if (strcmp(deeds->items[i].text, text) == 0)
            deed = &deeds->items[i];
    if (!deed) {
        deeds->items = mem_grow(deeds->items, &deeds->capacity, deeds->count + 1, sizeof(*deeds->items));
        deed = &deeds->items[deeds->count++];
        *deed = (struct deed){.text = mem_string(text)};
    }
    mem_free(text);
    deed->count++;
    deed->bytes_up += number(event, "bytes_up");
    deed->bytes_down += number(event, "bytes_down");
}

// "refs/heads/agent/x" of one ref, "3 refs" of more; "" where the event names none.
static char *refs_of(const json_t *event)
{
    const json_t *refs = json_object_get(event, "refs");

    if (json_array_size(refs) == 0)
        return mem_string("");
    if (json_array_size(refs) > 1)
        return mem_format(" (%zu refs)", json_array_size(refs));
    return mem_format(" %s", run_summary_member(json_array_get(refs, 0), "ref"));
}

// What the event is about, beside who is asked.
static char *object_of(const json_t *event)
{
    const char *repository = run_summary_member(event, "repository"), *path = run_summary_member(event, "path");

    if (*repository)
        return mem_string(repository);
    return mem_format("%s%s", run_summary_member(event, "host"), path);
}

static void run_summary_add_event(struct deeds *done, struct deeds *refused, const json_t *event)
{
    const char *operation = run_summary_member(event, "operation"), *reason = run_summary_member(event, "reason");
    bool deny = strcmp(run_summary_member(event, "decision"), "deny") == 0;
    char *object = object_of(event), *refs = refs_of(event);

    if (deny || number(event, "status") >= 400)
        add_deed(
            refused,
            mem_format("%s of %s%s%s%s%s", operation, object, refs, *reason ? " (" : "", reason, *reason ? ")" : ""),
            event);
    else if (strcmp(operation, "fetch") == 0)
        add_deed(done, mem_format("fetched  %s", object), event);
    else if (strcmp(operation, "push") == 0 && *refs)
        add_deed(done, mem_format("pushed   %s%s", object, refs), event);
    else if (strcmp(operation, "lfs") == 0)
        add_deed(done, mem_format("git-lfs  %s", object), event);
    else if (strcmp(operation, "push") != 0) // its first request, which asks for the refs, is no push yet
        add_deed(done, mem_format("reached  %s", object), event);
    mem_free(object);
    mem_free(refs);
}

static void append_size(struct text *text, uint64_t size)
{
    if (size >= GIB)
        text_format(text, "%.1f GiB", (double)size / (double)GIB);
    else if (size >= MIB)
        text_format(text, "%.1f MiB", (double)size / (double)MIB);
    else
        text_format(text, "%.1f KiB", (double)size / (double)KIB);
}

static void append_deeds(struct text *text, struct deeds *deeds, const char *prefix)
{
    for (size_t i = 0; i < deeds->count; i++) {
        const struct deed *deed = &deeds->items[i];

        text_format(text, "  %s", prefix);
        printable_append(text, bytes_of_string(deed->text));
        if (deed->count > 1)
            text_format(text, ", %" PRIu64 " requests", deed->count);
        text_append(text, ": ");
        append_size(text, deed->bytes_down);
        text_append(text, " down, ");
        append_size(text, deed->bytes_up);
        text_append(text, " up\n");
        mem_free(deed->text);
    }
    mem_free(deeds->items);
}

void run_summary_write(struct text *text, struct bytes events, int64_t duration_ms)
{
    struct deeds done = {0}, refused = {0};
    struct bytes line;

    while (events.size > 0) {
        bytes_cut(events, '\n', &line, &events);
        json_t *event = json_loadb(line.data, line.size, 0, NULL);
        const char *kind = run_summary_member(event, "event");
        if (strcmp(kind, "request") == 0 || strcmp(kind, "tunnel") == 0)
            run_summary_add_event(&done, &refused, event);
        json_decref(event);
    }
    text_format(text, "gitlatch run: %.1f s", (double)duration_ms / 1000);
    if (done.count == 0 && refused.count == 0)
        text_append(text, ", nothing went through the proxy");
    text_append(text, "\n");
    append_deeds(text, &done, "");
    append_deeds(text, &refused, "refused  ");
}
