#include "refusal.h"

#include "pktline.h"

#define BAND_DATA     '\1'
#define BAND_PROGRESS '\2'

// What a person quotes to the operator.
static void append_code(struct text *out, enum reason reason, struct bytes id)
{
    text_format(out, "reason %s, request %.*s", reason_row(reason)->code, (int)id.size, id.data ? id.data : "");
}

void refusal_upload_pack(struct text *out, const struct verdict *verdict, struct bytes id)
{
    const char *remedy = reason_row(verdict->reason)->remedy;
    struct text message = {0};

    text_format(&message, "ERR gitlatch: %s", verdict->sentence);
    if (*remedy)
        text_format(&message, "; %s", remedy);
    text_append(&message, " (");
    append_code(&message, verdict->reason, id);
    text_append(&message, ")\n");
    pktline_append(out, text_bytes(&message));
    text_free(&message);
}

// The lines that git shows as `remote: …`.
static void append_remote_lines(struct text *out, const struct refusal_push *refusal)
{
    const struct verdict *verdict = refusal->verdict;
    const char *remedy = reason_row(verdict->reason)->remedy;

    text_format(out, "gitlatch: %s\n", verdict->sentence);
    for (size_t i = 0; i < refusal->allowed_count; i++)
        text_format(out, "allowed: %s\n", refusal->allowed[i]);
    if (refusal->example)
        text_format(out, "for example: git push origin HEAD:refs/heads/%s\n", refusal->example);
    if (*remedy)
        text_format(out, "gitlatch: %s\n", remedy);
    text_append(out, "gitlatch: ");
    append_code(out, verdict->reason, refusal->id);
    text_append_char(out, '\n');
}

// The first ref that is itself refused; the empty view where none is.
static struct bytes first_refused(const struct push_commands *commands, const struct refusal_push *refusal)
{
    for (size_t i = 0; refusal->reasons && i < push_commands_count(commands); i++)
        if (refusal->reasons[i] != REASON_NONE)
            return push_commands_at(commands, i).ref;
    return bytes_of(NULL, 0);
}

// What stands in parentheses behind `! [remote rejected] main -> main`.
static void append_reason(struct text *out, const struct refusal_push *refusal, size_t index, struct bytes first)
{
    enum reason reason = refusal->reasons ? refusal->reasons[index] : refusal->verdict->reason;

    if (reason == REASON_NONE) {
        text_format(out, "gitlatch: refused with %.*s", (int)first.size, first.data ? first.data : "");
        reason = refusal->verdict->reason;
    } else {
        text_format(out, "gitlatch: %s", refusal->reasons ? reason_row(reason)->meaning : refusal->verdict->sentence);
    }
    text_append(out, " [");
    append_code(out, reason, refusal->id);
    text_append_char(out, ']');
}

// What git shows where there is no ref to be named.
static void append_unpack_failure(struct text *out, const struct refusal_push *refusal)
{
    text_format(out, "unpack gitlatch: %s [", refusal->verdict->sentence);
    append_code(out, refusal->verdict->reason, refusal->id);
    text_append(out, "]\n");
}

// report-status (gitprotocol-pack(5), "Report Status"); a refusal is written alike in its second version.
static void append_report(struct text *out, const struct push_commands *commands, const struct refusal_push *refusal)
{
    struct bytes first = first_refused(commands, refusal);
    size_t count = push_commands_count(commands);
    struct text line = {0};

    if (count)
        text_append(&line, "unpack ok\n");
    else
        append_unpack_failure(&line, refusal);
    pktline_append(out, text_bytes(&line));
    for (size_t i = 0; i < count; i++) {
        struct bytes ref = push_commands_at(commands, i).ref;

        text_clear(&line);
        text_append(&line, "ng ");
        text_append_bytes(&line, ref);
        text_append_char(&line, ' ');
        append_reason(&line, refusal, i, first);
        text_append_char(&line, '\n');
        pktline_append(out, text_bytes(&line));
    }
    pktline_append_flush(out);
    text_free(&line);
}

void refusal_receive_pack(struct text *out, const struct push_commands *commands, const struct refusal_push *refusal)
{
    const struct push_capabilities *capabilities = push_commands_capabilities(commands);
    struct text lines = {0};
    struct text report = {0};

    if (capabilities->report_status || capabilities->report_status_v2)
        append_report(&report, commands, refusal);
    if (capabilities->side_band_64k) {
        append_remote_lines(&lines, refusal);
        pktline_append_band(out, BAND_PROGRESS, text_bytes(&lines));
        pktline_append_band(out, BAND_DATA, text_bytes(&report));
        pktline_append_flush(out);
    } else {
        text_append_bytes(out, text_bytes(&report));
    }
    text_free(&report);
    text_free(&lines);
}
