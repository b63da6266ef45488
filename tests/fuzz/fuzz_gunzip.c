// Any bytes as gzip: what comes out does not depend on how the input is cut, and never exceeds the limit.
#include "gunzip.h"

#include "fuzz.h"
#include "text.h"

#define LIMIT 50000

// What is damaged just where it becomes too large may be told as either.
static bool is_refused(enum gunzip_result result)
{
    return result == GUNZIP_MALFORMED || result == GUNZIP_TOO_LARGE;
}

static enum gunzip_result read_all(struct bytes input, size_t step, struct text *out)
{
    struct gunzip *gunzip = gunzip_new(LIMIT);
    enum gunzip_result result = GUNZIP_MORE;
    struct bytes piece;

    while (input.size && (result == GUNZIP_MORE || result == GUNZIP_END)) {
        struct bytes part = bytes_of(input.data, step < input.size ? step : input.size);

        input = bytes_skip(input, part.size);
        while ((result = gunzip_read(gunzip, &part, &piece)) == GUNZIP_PIECE)
            text_append_bytes(out, piece);
        FUZZ_CHECK(out->size <= LIMIT);
    }
    gunzip_free(gunzip);
    return result;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct text whole = {0}, cut = {0};
    struct bytes input;
    enum gunzip_result result, cut_result;

    if (size < 1)
        return 0;
    input = bytes_of((const char *)data + 1, size - 1);
    result = read_all(input, SIZE_MAX, &whole);
    cut_result = read_all(input, 1 + data[0] % 16, &cut);
    FUZZ_CHECK(cut_result == result || (is_refused(cut_result) && is_refused(result)));
    if (result == GUNZIP_MORE || result == GUNZIP_END)
        FUZZ_CHECK(bytes_equal(text_bytes(&whole), text_bytes(&cut)));
    text_free(&whole);
    text_free(&cut);
    return 0;
}
