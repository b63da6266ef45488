// Builds the body of a push, packet by packet.
#ifndef GITLATCH_PUSH_BODY_H
#define GITLATCH_PUSH_BODY_H

#include "cmocka_unit.h"
#include "pktline.h"
#include "push_commands.h"

#define PUSH_BODY_ZERO "0000000000000000000000000000000000000000"
#define PUSH_BODY_ONE  "1111111111111111111111111111111111111111"
#define PUSH_BODY_TWO  "2222222222222222222222222222222222222222"
// What git 2.39 names.
#define PUSH_BODY_CAPABILITIES " report-status-v2 side-band-64k quiet object-format=sha1 agent=git/2.39.5"

static inline const char *push_body_old(enum ref_change change)
{
    return change == REF_CREATE ? PUSH_BODY_ZERO : PUSH_BODY_ONE;
}

// Appends a command; the first one with `capabilities` behind a NUL, the others with NULL.
static inline void push_body_add(struct text *body, enum ref_change change, const char *ref, const char *capabilities)
{
    struct text line = {0};

    text_format(&line, "%s %s %s", push_body_old(change), change == REF_DELETE ? PUSH_BODY_ZERO : PUSH_BODY_TWO, ref);
    if (capabilities) {
        text_append_char(&line, '\0');
        text_append(&line, capabilities);
    }
    pktline_append(body, text_bytes(&line));
    text_free(&line);
}

// Feeds all of a body in pieces of `step` bytes. Gives the last result; `ret_rest` (may be NULL) what was not
// taken.
static inline enum push_commands_result push_body_feed(struct push_commands *commands, struct bytes body, size_t step,
                                                       struct verdict *ret_verdict, struct bytes *ret_rest)
{
    enum push_commands_result result = PUSH_COMMANDS_MORE;

    while (result == PUSH_COMMANDS_MORE && body.size) {
        struct bytes piece = bytes_of(body.data, step < body.size ? step : body.size);
        size_t given = piece.size;

        result = push_commands_feed(commands, &piece, ret_verdict);
        body = bytes_skip(body, given - piece.size);
        assert_true(result != PUSH_COMMANDS_MORE || piece.size == 0);
    }
    if (ret_rest)
        *ret_rest = body;
    return result;
}

#endif
