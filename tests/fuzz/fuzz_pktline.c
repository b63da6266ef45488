// Any bytes as packets: what is read does not depend on how the input is cut, and written again it is the
// same.
#include "pktline.h"

#include "fuzz.h"

// What was read, written again.
struct outcome {
    enum pktline_result result;
    struct text written;
    size_t rest; // bytes not taken
};

static void write_special(struct text *out, enum pktline_result packet)
{
    text_append(out, packet == PKTLINE_FLUSH ? "0000" : packet == PKTLINE_DELIMITER ? "0001" : "0002");
}

static void read_all(struct bytes input, size_t step, struct outcome *outcome)
{
    struct pktline_reader reader = {0};
    struct bytes payload;

    *outcome = (struct outcome){.result = PKTLINE_MORE};
    while (input.size && outcome->result != PKTLINE_MALFORMED) {
        struct bytes piece = bytes_of(input.data, step < input.size ? step : input.size);
        size_t given = piece.size;

        outcome->result = pktline_read(&reader, &piece, &payload);
        FUZZ_CHECK(piece.size < given && (outcome->result != PKTLINE_MORE || piece.size == 0));
        input = bytes_skip(input, given - piece.size);
        if (outcome->result == PKTLINE_DATA)
            pktline_append(&outcome->written, payload);
        else if (outcome->result != PKTLINE_MORE && outcome->result != PKTLINE_MALFORMED)
            write_special(&outcome->written, outcome->result);
    }
    outcome->rest = input.size;
    pktline_reader_clear(&reader);
}

// As git reads lengths, so they are compared: in either case.
static void check_same(struct bytes written, struct bytes input)
{
    FUZZ_CHECK(written.size <= input.size);
    for (size_t i = 0; i < written.size; i++)
        FUZZ_CHECK((written.data[i] | 0x20) == (input.data[i] | 0x20));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct outcome whole, cut;
    struct bytes input;

    if (size < 2)
        return 0;
    input = bytes_of((const char *)data + 1, size - 1);
    read_all(input, SIZE_MAX, &whole);
    read_all(input, 1 + data[0] % 16, &cut);
    FUZZ_CHECK(whole.result == cut.result && whole.rest == cut.rest);
    FUZZ_CHECK(bytes_equal(text_bytes(&whole.written), text_bytes(&cut.written)));
    check_same(text_bytes(&whole.written), input);
    text_free(&whole.written);
    text_free(&cut.written);
    return 0;
}
