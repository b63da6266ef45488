#include "pktline.h"

#include "cmocka_unit.h"

static const char kinds[] = "0005a0000000100020009hello";
static const enum pktline_result kinds_read[] = {PKTLINE_DATA, PKTLINE_FLUSH, PKTLINE_DELIMITER, PKTLINE_RESPONSE_END,
                                                 PKTLINE_DATA};

// Reads the next packet with the input in pieces of `step` bytes.
static enum pktline_result read_next(struct pktline_reader *reader, struct bytes *input, size_t step,
                                     struct bytes *ret_payload)
{
    enum pktline_result result = PKTLINE_MORE;

    while (result == PKTLINE_MORE && input->size) {
        struct bytes piece = bytes_of(input->data, step < input->size ? step : input->size);
        size_t given = piece.size;

        result = pktline_read(reader, &piece, ret_payload);
        *input = bytes_skip(*input, given - piece.size);
        assert_true(result != PKTLINE_MORE || piece.size == 0);
    }
    return result;
}

static void packets_are_read_however_they_are_cut(void **state)
{
    for (size_t step = 1; step <= sizeof(kinds); step++) {
        struct pktline_reader reader = {0};
        struct bytes input = bytes_of_string(kinds);
        struct bytes payload = {0};

        for (size_t i = 0; i < GL_ARRAY_SIZE(kinds_read); i++)
            assert_int_equal(read_next(&reader, &input, step, &payload), kinds_read[i]);
        assert_true(bytes_equal(payload, BYTES("hello")));
        assert_int_equal(input.size, 0);
        assert_int_equal(read_next(&reader, &input, step, &payload), PKTLINE_MORE);
        pktline_reader_clear(&reader);
    }
}

static void a_whole_packet_is_not_copied(void **state)
{
    struct pktline_reader reader = {0};
    struct bytes input = BYTES("0009helloPACK");
    const char *start = input.data;
    struct bytes payload;

    assert_int_equal(pktline_read(&reader, &input, &payload), PKTLINE_DATA);
    assert_ptr_equal(payload.data, start + 4);
    assert_true(bytes_equal(input, BYTES("PACK")));
    pktline_reader_clear(&reader);
}

static void lengths_are_four_hex_digits_that_count_themselves(void **state)
{
    static const struct {
        const char *header;
        enum pktline_result result;
    } cases[] = {
        {"0004", PKTLINE_DATA},      {"FFF0", PKTLINE_MORE},      {"fff0", PKTLINE_MORE},
        {"fff1", PKTLINE_MALFORMED}, {"ffff", PKTLINE_MALFORMED}, {"0003", PKTLINE_MALFORMED},
        {"00g4", PKTLINE_MALFORMED}, {" 004", PKTLINE_MALFORMED}, {"0x04", PKTLINE_MALFORMED},
        {"-004", PKTLINE_MALFORMED}, {"PACK", PKTLINE_MALFORMED}, {"000", PKTLINE_MORE},
    };

    for (size_t i = 0; i < GL_ARRAY_SIZE(cases); i++) {
        struct pktline_reader reader = {0};
        struct bytes input = bytes_of_string(cases[i].header);
        struct bytes payload = BYTES("untouched");

        assert_int_equal(pktline_read(&reader, &input, &payload), cases[i].result);
        if (cases[i].result == PKTLINE_DATA)
            assert_int_equal(payload.size, 0);
        pktline_reader_clear(&reader);
    }
}

static void a_band_is_split_into_packets_that_git_takes(void **state)
{
    struct text payload = {0}, out = {0}, seen = {0};
    struct pktline_reader reader = {0};
    struct bytes input, packet;
    size_t packets = 0;

    while (payload.size < 2 * PKTLINE_BAND_MAX + 1)
        text_append_char(&payload, (char)(payload.size % 251));
    pktline_append_band(&out, '\2', text_bytes(&payload));
    pktline_append_flush(&out);

    input = text_bytes(&out);
    while (pktline_read(&reader, &input, &packet) == PKTLINE_DATA) {
        assert_int_equal(packet.data[0], 2);
        assert_true(packet.size <= 65516);
        text_append_bytes(&seen, bytes_skip(packet, 1));
        packets++;
    }
    assert_int_equal(packets, 3);
    assert_true(bytes_equal(text_bytes(&seen), text_bytes(&payload)));
    pktline_reader_clear(&reader);
    text_free(&payload);
    text_free(&out);
    text_free(&seen);
}

static void what_is_written_is_what_git_writes(void **state)
{
    struct text out = {0};

    pktline_append(&out, BYTES("unpack ok\n"));
    pktline_append(&out, BYTES(""));
    pktline_append_band(&out, '\1', BYTES("x"));
    pktline_append_band(&out, '\1', BYTES(""));
    pktline_append_flush(&out);
    assert_string_equal(text_string(&out), "000eunpack ok\n00040006\001x0000");
    text_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(packets_are_read_however_they_are_cut),
        cmocka_unit_test(a_whole_packet_is_not_copied),
        cmocka_unit_test(lengths_are_four_hex_digits_that_count_themselves),
        cmocka_unit_test(a_band_is_split_into_packets_that_git_takes),
        cmocka_unit_test(what_is_written_is_what_git_writes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
