// Any bytes as a push: what is read and refused does not depend on how the input is cut, and a push that is
// read whole, written as git writes it, is read the same. Every refusal is packets that git takes.
#include "push_commands.h"

#include "fuzz.h"
#include "pktline.h"
#include "refusal.h"

#define INPUT_MAX 65536

struct outcome {
    struct push_commands *commands;
    enum push_commands_result result;
    struct verdict verdict;
    size_t rest;
};

static void read_push(struct bytes input, size_t step, struct outcome *outcome)
{
    *outcome = (struct outcome){.commands = push_commands_new(), .result = PUSH_COMMANDS_MORE};
    while (input.size && (outcome->result == PUSH_COMMANDS_MORE || push_commands_is_probe(outcome->commands))) {
        struct bytes piece = bytes_of(input.data, step < input.size ? step : input.size);
        size_t given = piece.size;

        outcome->result = push_commands_feed(outcome->commands, &piece, &outcome->verdict);
        input = bytes_skip(input, given - piece.size);
        FUZZ_CHECK(outcome->result != PUSH_COMMANDS_MORE || piece.size == 0);
        FUZZ_CHECK((outcome->result == PUSH_COMMANDS_REFUSED) == (outcome->verdict.reason != REASON_NONE));
    }
    outcome->rest = input.size;
}

static void check_commands_same(const struct push_commands *a, const struct push_commands *b)
{
    FUZZ_CHECK(push_commands_count(a) == push_commands_count(b));
    for (size_t i = 0; i < push_commands_count(a); i++) {
        struct push_command left = push_commands_at(a, i), right = push_commands_at(b, i);

        FUZZ_CHECK(bytes_equal(left.ref, right.ref) && left.change == right.change);
        FUZZ_CHECK(bytes_equal(left.old_id, right.old_id) && bytes_equal(left.new_id, right.new_id));
        FUZZ_CHECK(push_ref_valid(left.ref) && left.old_id.size == left.new_id.size);
    }
}

static void check_written_again(const struct push_commands *commands)
{
    struct outcome again;
    struct text body = {0}, line = {0};

    for (size_t i = 0; i < push_commands_count(commands); i++) {
        struct push_command command = push_commands_at(commands, i);

        text_clear(&line);
        text_append_bytes(&line, command.old_id);
        text_append_char(&line, ' ');
        text_append_bytes(&line, command.new_id);
        text_append_char(&line, ' ');
        text_append_bytes(&line, command.ref);
        pktline_append(&body, text_bytes(&line));
    }
    pktline_append_flush(&body);
    read_push(text_bytes(&body), SIZE_MAX, &again);
    FUZZ_CHECK(again.result == PUSH_COMMANDS_DONE && again.rest == 0);
    check_commands_same(commands, again.commands);
    push_commands_free(again.commands);
    text_free(&body);
    text_free(&line);
}

static void check_refusal(const struct push_commands *commands)
{
    struct verdict verdict;
    const struct refusal_push refusal = {.verdict = &verdict, .id = BYTES("id")};
    struct pktline_reader reader = {0};
    struct text answer = {0};
    struct bytes rest, packet;
    enum pktline_result result = PKTLINE_FLUSH;

    verdict_set(&verdict, REASON_PUSH_DENIED, NULL);
    refusal_receive_pack(&answer, commands, &refusal);
    rest = text_bytes(&answer);
    while (rest.size) {
        result = pktline_read(&reader, &rest, &packet);
        FUZZ_CHECK(result == PKTLINE_DATA || (result == PKTLINE_FLUSH && rest.size == 0));
    }
    FUZZ_CHECK(result == PKTLINE_FLUSH);
    pktline_reader_clear(&reader);
    text_free(&answer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct outcome whole, cut;
    struct bytes input;

    if (size < 1 || size > INPUT_MAX)
        return 0;
    input = bytes_of((const char *)data + 1, size - 1);
    read_push(input, SIZE_MAX, &whole);
    read_push(input, 1 + data[0] % 16, &cut);
    FUZZ_CHECK(whole.result == cut.result);
    FUZZ_CHECK(whole.rest == cut.rest || push_commands_count(whole.commands) == 0);
    FUZZ_CHECK(whole.verdict.reason == cut.verdict.reason);
    check_commands_same(whole.commands, cut.commands);
    if (whole.result == PUSH_COMMANDS_DONE && !push_commands_is_probe(whole.commands))
        check_written_again(whole.commands);
    check_refusal(whole.commands);
    push_commands_free(whole.commands);
    push_commands_free(cut.commands);
    return 0;
}
