// Any bytes as a chunked body (or, told by the first byte, one with a length): what is passed on and what is
// decoded do not depend on how the input is cut, and what is passed on is a body of the same payload.
#include "body.h"
#include "fuzz.h"

#include <string.h>

#define INPUT_MAX 8192

// What comes out of a body.
struct outcome {
    enum body_result result;
    bool whole;
    size_t used;
    size_t dropped;
    size_t size;
    char data[INPUT_MAX];
};

static void append(struct outcome *outcome, const char *data, size_t size)
{
    FUZZ_CHECK(size <= sizeof(outcome->data) - outcome->size);
    if (size)
        memcpy(outcome->data + outcome->size, data, size);
    outcome->size += size;
}

static void feed(struct body body, struct bytes input, size_t step, struct outcome *outcome)
{
    *outcome = (struct outcome){.result = body_is_done(&body) ? BODY_DONE : BODY_MORE};
    while (outcome->result == BODY_MORE && input.size) {
        struct bytes piece = bytes_of(input.data, step < input.size ? step : input.size);
        size_t pass, drop;

        outcome->result = body_feed(&body, piece, &pass, &drop);
        if (outcome->result == BODY_BAD)
            return;
        FUZZ_CHECK(pass + drop <= piece.size && (pass + drop != 0 || body_is_done(&body)));
        append(outcome, piece.data, pass);
        outcome->dropped += drop;
        outcome->used += pass + drop;
        input = bytes_skip(input, pass + drop);
    }
    outcome->whole = body_end_of_input(&body);
}

static void decode(struct body body, struct bytes input, size_t step, struct outcome *outcome)
{
    *outcome = (struct outcome){.result = body_is_done(&body) ? BODY_DONE : BODY_MORE};
    while (outcome->result == BODY_MORE && input.size) {
        struct bytes piece = bytes_of(input.data, step < input.size ? step : input.size);
        struct bytes data;
        size_t used;

        outcome->result = body_next_data(&body, piece, &used, &data);
        if (outcome->result == BODY_BAD)
            return;
        FUZZ_CHECK(used <= piece.size && data.size <= used && (used != 0 || body_is_done(&body)));
        append(outcome, data.data, data.size);
        outcome->used += used;
        input = bytes_skip(input, used);
    }
    outcome->whole = body_end_of_input(&body);
}

static void check_same(const struct outcome *a, const struct outcome *b)
{
    FUZZ_CHECK(a->result == b->result);
    if (a->result == BODY_BAD)
        return;
    FUZZ_CHECK(a->used == b->used && a->dropped == b->dropped && a->whole == b->whole);
    FUZZ_CHECK(bytes_equal(bytes_of(a->data, a->size), bytes_of(b->data, b->size)));
}

static void check(struct body body, struct bytes input, size_t step)
{
    static struct outcome passed, payload, other;

    feed(body, input, SIZE_MAX, &passed);
    decode(body, input, SIZE_MAX, &payload);
    FUZZ_CHECK(passed.result == payload.result && (passed.result == BODY_BAD || passed.used == payload.used));
    feed(body, input, step, &other);
    check_same(&passed, &other);
    decode(body, input, step, &other);
    check_same(&payload, &other);
    if (passed.result == BODY_BAD)
        return;
    FUZZ_CHECK(passed.size + passed.dropped == passed.used);
    FUZZ_CHECK(passed.whole == (passed.result == BODY_DONE));
    // The next hop sees the same payload, and nothing to drop.
    feed(body, bytes_of(passed.data, passed.size), SIZE_MAX, &other);
    FUZZ_CHECK(other.result == passed.result && other.dropped == 0 && other.size == passed.size);
    decode(body, bytes_of(passed.data, passed.size), SIZE_MAX, &other);
    FUZZ_CHECK(bytes_equal(bytes_of(other.data, other.size), bytes_of(payload.data, payload.size)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes input = bytes_of((const char *)data, size);

    if (size == 0 || size > INPUT_MAX)
        return 0;
    input = bytes_skip(input, 1);
    check((struct body){.kind = BODY_CHUNKED}, input, 1 + data[0] % 16);
    check((struct body){.kind = BODY_LENGTH, .left = data[0]}, input, 1 + data[0] % 16);
    return 0;
}
