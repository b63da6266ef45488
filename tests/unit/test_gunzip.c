#include "gunzip.h"

#include <zlib.h>

#include "cmocka_unit.h"
#include "mem.h"
#include "text.h"

// A gzip member of `size` bytes of `data`; to be freed. `window_bits` as deflateInit2 has it.
static struct text member(const char *data, size_t size, int window_bits)
{
    z_stream stream = {0};
    Bytef piece[1024];
    struct text out = {0};
    int result;

    assert_int_equal(deflateInit2(&stream, 9, Z_DEFLATED, window_bits, 8, Z_DEFAULT_STRATEGY), Z_OK);
    stream.next_in = (z_const Bytef *)(uintptr_t)data;
    stream.avail_in = (uInt)size;
    do {
        stream.next_out = piece;
        stream.avail_out = sizeof(piece);
        result = deflate(&stream, Z_FINISH);
        text_append_bytes(&out, bytes_of((const char *)piece, sizeof(piece) - stream.avail_out));
    } while (result == Z_OK);
    deflateEnd(&stream);
    return out;
}

// Reads all of the input in pieces of `step` bytes; the last result, and what came out.
static enum gunzip_result read_all(uint64_t limit, struct bytes input, size_t step, struct text *out)
{
    struct gunzip *gunzip = gunzip_new(limit);
    enum gunzip_result result = GUNZIP_MORE;
    struct bytes piece;

    while (input.size && (result == GUNZIP_MORE || result == GUNZIP_END)) {
        struct bytes part = bytes_of(input.data, step < input.size ? step : input.size);

        input = bytes_skip(input, part.size);
        while ((result = gunzip_read(gunzip, &part, &piece)) == GUNZIP_PIECE) {
            assert_true(piece.size > 0 && piece.size <= 16 * KIB);
            text_append_bytes(out, piece);
        }
    }
    gunzip_free(gunzip);
    return result;
}

static void what_was_compressed_comes_out_however_it_is_cut(void **state)
{
    static char data[100000];
    struct text gzip;

    for (size_t i = 0; i < sizeof(data); i++)
        data[i] = (char)((i * i) >> 7);
    gzip = member(data, sizeof(data), 15 + 16);
    for (size_t step = 1; step < 3 * gzip.size; step = step * 3 + 1) {
        struct text out = {0};

        assert_int_equal(read_all(sizeof(data), text_bytes(&gzip), step, &out), GUNZIP_END);
        assert_true(bytes_equal(text_bytes(&out), bytes_of(data, sizeof(data))));
        text_free(&out);
    }
    text_free(&gzip);
}

static void a_bomb_is_cut_at_the_limit(void **state)
{
    static char zeros[1000000];
    struct text gzip = member(zeros, sizeof(zeros), 15 + 16);
    struct text out = {0};

    assert_true(gzip.size < 2000);
    assert_int_equal(read_all(100000, text_bytes(&gzip), SIZE_MAX, &out), GUNZIP_TOO_LARGE);
    assert_true(out.size <= 100000);
    text_clear(&out);
    assert_int_equal(read_all(sizeof(zeros), text_bytes(&gzip), SIZE_MAX, &out), GUNZIP_END);
    text_clear(&out);
    assert_int_equal(read_all(sizeof(zeros) - 1, text_bytes(&gzip), SIZE_MAX, &out), GUNZIP_TOO_LARGE);
    text_free(&out);
    text_free(&gzip);
}

static void a_second_member_and_garbage_are_refused(void **state)
{
    struct text gzip = member("hello", 5, 15 + 16);
    struct text twice = {0}, trailing = {0};

    text_append_bytes(&twice, text_bytes(&gzip));
    text_append_bytes(&twice, text_bytes(&gzip));
    text_append_bytes(&trailing, text_bytes(&gzip));
    text_append_char(&trailing, '\0');
    for (size_t step = 1; step < twice.size + 2; step++) {
        struct text out = {0};

        assert_int_equal(read_all(1000, text_bytes(&twice), step, &out), GUNZIP_MALFORMED);
        assert_int_equal(read_all(1000, text_bytes(&trailing), step, &out), GUNZIP_MALFORMED);
        text_free(&out);
    }
    text_free(&gzip);
    text_free(&twice);
    text_free(&trailing);
}

static void damage_is_told(void **state)
{
    struct text gzip = member("hello hello hello", 17, 15 + 16);
    struct text zlib = member("hello", 5, 15), raw = member("hello", 5, -15);
    struct text out = {0};

    assert_int_equal(read_all(1000, bytes_of(gzip.data, gzip.size - 1), 1, &out), GUNZIP_MORE);
    gzip.data[gzip.size - 8] ^= 1; // the sum
    assert_int_equal(read_all(1000, text_bytes(&gzip), SIZE_MAX, &out), GUNZIP_MALFORMED);
    assert_int_equal(read_all(1000, text_bytes(&zlib), SIZE_MAX, &out), GUNZIP_MALFORMED);
    assert_int_equal(read_all(1000, text_bytes(&raw), SIZE_MAX, &out), GUNZIP_MALFORMED);
    assert_int_equal(read_all(1000, BYTES("{\"operation\":\"upload\"}"), SIZE_MAX, &out), GUNZIP_MALFORMED);
    text_free(&out);
    text_free(&gzip);
    text_free(&zlib);
    text_free(&raw);
}

static void codings_are_gzip_or_none(void **state)
{
    assert_int_equal(content_coding(BYTES("")), CONTENT_IDENTITY);
    assert_int_equal(content_coding(BYTES("Identity")), CONTENT_IDENTITY);
    assert_int_equal(content_coding(BYTES("gzip")), CONTENT_GZIP);
    assert_int_equal(content_coding(BYTES("X-GZIP")), CONTENT_GZIP);
    assert_int_equal(content_coding(BYTES("deflate")), CONTENT_OTHER);
    assert_int_equal(content_coding(BYTES("br")), CONTENT_OTHER);
    assert_int_equal(content_coding(BYTES("gzip, gzip")), CONTENT_OTHER);
    assert_int_equal(content_coding(BYTES("gzip,identity")), CONTENT_OTHER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_compressed_comes_out_however_it_is_cut),
        cmocka_unit_test(a_bomb_is_cut_at_the_limit),
        cmocka_unit_test(a_second_member_and_garbage_are_refused),
        cmocka_unit_test(damage_is_told),
        cmocka_unit_test(codings_are_gzip_or_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
