#include "body.h"

#include "cmocka_unit.h"
#include "text.h"

#define OK "HTTP/1.1 200 OK\r\n"

static const struct body chunked = {.kind = BODY_CHUNKED};

// What came out of a body, however its input was cut.
struct outcome {
    enum body_result result;
    size_t used;
    size_t size;
    char data[16384];
};

// A step reads a piece, appends what it gives to the outcome, and tells how much of the piece it used.
typedef enum body_result step_fn(struct body *body, struct bytes piece, struct outcome *outcome, size_t *ret_used);

static void append(struct outcome *outcome, struct bytes data)
{
    assert_true(data.size <= sizeof(outcome->data) - outcome->size);
    if (data.size)
        memcpy(outcome->data + outcome->size, data.data, data.size);
    outcome->size += data.size;
}

static enum body_result feed_step(struct body *body, struct bytes piece, struct outcome *outcome, size_t *ret_used)
{
    size_t pass, drop;
    enum body_result result = body_feed(body, piece, &pass, &drop);

    if (result == BODY_BAD)
        return result;
    append(outcome, bytes_of(piece.data, pass));
    *ret_used = pass + drop;
    return result;
}

static enum body_result data_step(struct body *body, struct bytes piece, struct outcome *outcome, size_t *ret_used)
{
    struct bytes data;
    enum body_result result = body_next_data(body, piece, ret_used, &data);

    if (result != BODY_BAD)
        append(outcome, data);
    return result;
}

// Gives the input in pieces of `first` bytes and then of at most `size`, each in memory of exactly its size.
static void run(struct body body, step_fn *step, struct bytes input, size_t first, size_t size, struct outcome *outcome)
{
    size_t piece_size = first;

    *outcome = (struct outcome){.result = body_is_done(&body) ? BODY_DONE : BODY_MORE};
    while (outcome->result == BODY_MORE && input.size) {
        size_t used = 0;
        char *copy;

        piece_size = piece_size < input.size ? piece_size : input.size;
        copy = malloc(piece_size);
        assert_non_null(copy);
        memcpy(copy, input.data, piece_size);
        outcome->result = step(&body, bytes_of(copy, piece_size), outcome, &used);
        free(copy);
        if (outcome->result == BODY_BAD) {
            assert_non_null(body.bad);
            return;
        }
        assert_in_range(used, 1, piece_size);
        outcome->used += used;
        input = bytes_skip(input, used);
        piece_size = size;
    }
    assert_int_equal(body_end_of_input(&body), outcome->result == BODY_DONE || body.kind == BODY_UNTIL_CLOSE);
}

// Byte by byte, cut in two at each point, and whole: the same comes out, and it is what is expected.
static void check(struct body body, step_fn *step, struct bytes input, enum body_result result, struct bytes expected)
{
    static struct outcome outcome;

    for (size_t cut = 0; cut <= input.size; cut++) {
        run(body, step, input, cut ? cut : 1, cut ? SIZE_MAX : 1, &outcome);
        if (outcome.result != result)
            fail_msg("%.*s: result %d, expected %d", (int)input.size, input.data, (int)outcome.result, (int)result);
        if (result == BODY_BAD)
            continue;
        if (!bytes_equal(bytes_of(outcome.data, outcome.size), expected))
            fail_msg("%.*s\n: gave %.*s", (int)input.size, input.data, (int)outcome.size, outcome.data);
    }
}

// The same, and what follows is left to the next message.
static void check_done(struct body body, step_fn *step, struct bytes input, struct bytes next, struct bytes expected)
{
    static struct outcome outcome;
    char both[1024];

    check(body, step, input, BODY_DONE, expected);
    memcpy(both, input.data, input.size);
    memcpy(both + input.size, next.data, next.size);
    run(body, step, bytes_of(both, input.size + next.size), sizeof(both), sizeof(both), &outcome);
    assert_int_equal(outcome.result, BODY_DONE);
    assert_int_equal(outcome.used, input.size);
}

static void chunks_are_passed_and_decoded(void **state)
{
    static const struct {
        struct bytes input, passed, payload;
    } cases[] = {
        {BYTES("0\r\n\r\n"), BYTES("0\r\n\r\n"), BYTES("")},
        {BYTES("000\r\n\r\n"), BYTES("000\r\n\r\n"), BYTES("")},
        {BYTES("5\r\nhello\r\n0\r\n\r\n"), BYTES("5\r\nhello\r\n0\r\n\r\n"), BYTES("hello")},
        {BYTES("05\r\nhello\r\n1\r\n!\r\n0\r\n\r\n"), BYTES("05\r\nhello\r\n1\r\n!\r\n0\r\n\r\n"), BYTES("hello!")},
        {BYTES("A\r\n0123456789\r\nb\r\n0123456789\n\r\n0\r\n\r\n"),
         BYTES("A\r\n0123456789\r\nb\r\n0123456789\n\r\n0\r\n\r\n"), BYTES("01234567890123456789\n")},
        {BYTES("000000000000001\r\nx\r\n0\r\n\r\n"), BYTES("000000000000001\r\nx\r\n0\r\n\r\n"), BYTES("x")},
        // data that looks like framing
        {BYTES("7\r\n\r\n0\r\n\r\n\r\n0\r\n\r\n"), BYTES("7\r\n\r\n0\r\n\r\n\r\n0\r\n\r\n"), BYTES("\r\n0\r\n\r\n")},
        // extensions are dropped
        {BYTES("2;a\r\nhi\r\n0\r\n\r\n"), BYTES("2\r\nhi\r\n0\r\n\r\n"), BYTES("hi")},
        {BYTES("2;a=b;c=\"d;\\\"\\\\ \te\"\r\nhi\r\n0;last\r\n\r\n"), BYTES("2\r\nhi\r\n0\r\n\r\n"), BYTES("hi")},
        {BYTES("2;a=\"\"\r\nhi\r\n0\r\n\r\n"), BYTES("2\r\nhi\r\n0\r\n\r\n"), BYTES("hi")},
        {BYTES("2;a=\"\";b\r\nhi\r\n0\r\n\r\n"), BYTES("2\r\nhi\r\n0\r\n\r\n"), BYTES("hi")},
        // trailer fields are dropped
        {BYTES("0\r\nA: b\r\n\r\n"), BYTES("0\r\n\r\n"), BYTES("")},
        {BYTES("2\r\nhi\r\n0\r\nA:\r\nContent-Length: 5\r\nB:\tc \x80\r\n\r\n"), BYTES("2\r\nhi\r\n0\r\n\r\n"),
         BYTES("hi")},
        {BYTES("0;x\r\nA: b\r\n\r\n"), BYTES("0\r\n\r\n"), BYTES("")},
    };

    for (size_t i = 0; i < GL_ARRAY_SIZE(cases); i++) {
        check_done(chunked, feed_step, cases[i].input, BYTES("GET / HTTP/1.1\r\n"), cases[i].passed);
        check_done(chunked, data_step, cases[i].input, BYTES("GET / HTTP/1.1\r\n"), cases[i].payload);
    }
}

static void malformed_chunks_are_refused(void **state)
{
    static const struct bytes inputs[] = {
        // size
        BYTES("\r\n"),
        BYTES("\n"),
        BYTES(" 5\r\nhello\r\n"),
        BYTES("5 \r\nhello\r\n"),
        BYTES("5\t\r\nhello\r\n"),
        BYTES("+5\r\nhello\r\n"),
        BYTES("-1\r\n"),
        BYTES("0x5\r\nhello\r\n"),
        BYTES("g\r\n"),
        BYTES("5\nhello\r\n"),
        BYTES("5\rhello\r\n"),
        BYTES("5\r\r\nhello\r\n"),
        BYTES("5_\r\nhello\r\n"),
        BYTES("5\0\r\nhello\r\n"),
        BYTES("0000000000000001\r\nx\r\n"),
        BYTES("ffffffffffffffff\r\n"),
        BYTES("10000000000000005\r\nhello\r\n"),
        // data that is shorter or longer than its size
        BYTES("5\r\nhell\r\n0\r\n\r\n"),
        BYTES("5\r\nhello!\r\n0\r\n\r\n"),
        BYTES("5\r\nhello\n0\r\n\r\n"),
        BYTES("5\r\nhello\r0\r\n\r\n"),
        BYTES("5\r\nhello0\r\n\r\n"),
        BYTES("5\r\nhello\r\n\r\n0\r\n\r\n"),
        // extensions
        BYTES("5;\r\nhello\r\n"),
        BYTES("5 ;a\r\nhello\r\n"),
        BYTES("5; a\r\nhello\r\n"),
        BYTES("5;a \r\nhello\r\n"),
        BYTES("5;a=\r\nhello\r\n"),
        BYTES("5;=b\r\nhello\r\n"),
        BYTES("5;a==b\r\nhello\r\n"),
        BYTES("5;a=b=c\r\nhello\r\n"),
        BYTES("5;;a\r\nhello\r\n"),
        BYTES("5;a\nhello\r\n"),
        BYTES("5;a\rhello\r\n"),
        BYTES("5;a\0\r\nhello\r\n"),
        BYTES("5;a=\"b\r\n\"\r\nhello\r\n"),
        BYTES("5;a=\"b\nc\"\r\nhello\r\n"),
        BYTES("5;a=\"\\\r\"\r\nhello\r\n"),
        BYTES("5;a=\"b\"c\r\nhello\r\n"),
        BYTES("5;a=b\"c\"\r\nhello\r\n"),
        // trailer
        BYTES("0\r\n\n"),
        BYTES("0\r\n\rX"),
        BYTES("0\r\nA\r\n\r\n"),
        BYTES("0\r\n: b\r\n\r\n"),
        BYTES("0\r\n A: b\r\n\r\n"),
        BYTES("0\r\nA : b\r\n\r\n"),
        BYTES("0\r\nA: b\n\r\n"),
        BYTES("0\r\nA: b\rc\r\n\r\n"),
        BYTES("0\r\nA: b\r\n c\r\n\r\n"),
        BYTES("0\r\nA: \0\r\n\r\n"),
        BYTES("0\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"),
    };

    for (size_t i = 0; i < GL_ARRAY_SIZE(inputs); i++) {
        check(chunked, feed_step, inputs[i], BODY_BAD, BYTES(""));
        check(chunked, data_step, inputs[i], BODY_BAD, BYTES(""));
    }
}

static void every_truncation_is_told(void **state)
{
    struct bytes input = BYTES("5;a=\"b\"\r\nhello\r\n0\r\nA: b\r\n\r\n");
    static struct outcome outcome;

    for (size_t size = 1; size < input.size; size++) {
        run(chunked, feed_step, bytes_of(input.data, size), size, size, &outcome);
        assert_int_equal(outcome.result, BODY_MORE);
        assert_int_equal(outcome.used, size);
    }
    assert_false(body_end_of_input(&chunked));
}

// `count` bytes of filler between two texts.
static struct bytes filled(char *buffer, const char *before, size_t count, const char *after)
{
    size_t size = strlen(before);

    memcpy(buffer, before, size);
    memset(buffer + size, 'x', count);
    size += count;
    memcpy(buffer + size, after, strlen(after));
    return bytes_of(buffer, size + strlen(after));
}

static enum body_result fed(struct bytes input)
{
    static struct outcome outcome;

    run(chunked, feed_step, input, SIZE_MAX, SIZE_MAX, &outcome);
    return outcome.result;
}

static void what_is_dropped_is_bounded(void **state)
{
    static char buffer[2 * BODY_TRAILER_MAX];
    size_t extension = BODY_EXTENSION_MAX - strlen(";\r");
    size_t trailer = BODY_TRAILER_MAX - strlen("A:\r\n");

    assert_int_equal(fed(filled(buffer, "0;", extension, "\r\n\r\n")), BODY_DONE);
    assert_int_equal(fed(filled(buffer, "0;", extension + 2, "\r\n\r\n")), BODY_BAD);
    assert_int_equal(fed(filled(buffer, "0\r\nA:", trailer, "\r\n\r\n")), BODY_DONE);
    assert_int_equal(fed(filled(buffer, "0\r\nA:", trailer + 1, "\r\n\r\n")), BODY_BAD);
    // The bound is a chunk's, not the body's.
    assert_int_equal(fed(filled(buffer, "1;", extension, "\r\ny\r\n0;a\r\n\r\n")), BODY_DONE);
}

static void a_large_chunk_is_metered(void **state)
{
    struct body body = chunked;
    size_t pass, drop;
    static char data[4096];

    assert_int_equal(body_feed(&body, BYTES("100000000\r\n"), &pass, &drop), BODY_MORE);
    assert_true(body.left == (uint64_t)1 << 32);
    for (uint64_t sent = 0; sent < (uint64_t)1 << 20; sent += sizeof(data)) {
        assert_int_equal(body_feed(&body, bytes_of(data, sizeof(data)), &pass, &drop), BODY_MORE);
        assert_int_equal(pass, sizeof(data));
        assert_int_equal(drop, 0);
    }
    assert_true(body.left == ((uint64_t)1 << 32) - ((uint64_t)1 << 20));
}

static void a_length_is_metered(void **state)
{
    struct body body = {.kind = BODY_LENGTH, .left = 5};

    check_done(body, feed_step, BYTES("hello"), BYTES("GET"), BYTES("hello"));
    check_done(body, data_step, BYTES("hello"), BYTES("GET"), BYTES("hello"));
    check(body, feed_step, BYTES("hell"), BODY_MORE, BYTES("hell"));
    assert_false(body_end_of_input(&body));
}

static void a_body_until_close_ends_with_the_input(void **state)
{
    struct body body = {.kind = BODY_UNTIL_CLOSE};

    check(body, feed_step, BYTES("a\r\n0\r\n\r\n"), BODY_MORE, BYTES("a\r\n0\r\n\r\n"));
    check(body, data_step, BYTES("a\r\n0\r\n\r\n"), BODY_MORE, BYTES("a\r\n0\r\n\r\n"));
    assert_true(body_end_of_input(&body));
}

static void a_done_body_uses_nothing(void **state)
{
    struct body body = {.kind = BODY_NONE};
    struct bytes data;
    size_t pass, drop, used;

    assert_true(body_is_done(&body));
    assert_true(body_end_of_input(&body));
    assert_int_equal(body_feed(&body, BYTES("GET"), &pass, &drop), BODY_DONE);
    assert_int_equal(pass + drop, 0);
    assert_int_equal(body_next_data(&body, BYTES("GET"), &used, &data), BODY_DONE);
    assert_int_equal(used, 0);
    body = chunked;
    assert_int_equal(body_feed(&body, BYTES("0\r\n\r\n"), &pass, &drop), BODY_DONE);
    assert_int_equal(body_feed(&body, BYTES("0\r\n\r\n"), &pass, &drop), BODY_DONE);
    assert_int_equal(pass + drop, 0);
}

static void a_copy_looks_ahead(void **state)
{
    struct bytes input = BYTES("3\r\nabc\r\n0\r\n\r\n");
    struct body body = chunked;
    struct body ahead = body;
    struct bytes data;
    size_t used, pass, drop;

    assert_int_equal(body_next_data(&ahead, input, &used, &data), BODY_MORE);
    assert_true(bytes_equal(data, BYTES("abc")));
    assert_int_equal(body_feed(&body, input, &pass, &drop), BODY_DONE);
    assert_int_equal(pass, input.size);
}

// Takes the first `cut` bytes of a chunked body off, byte by byte or at once, and appends their payload.
static void take_off(struct body *body, struct bytes input, size_t step, struct text *payload)
{
    while (input.size > 0) {
        struct bytes piece = bytes_of(input.data, step < input.size ? step : input.size), data;
        size_t used;

        assert_int_not_equal(body_next_data(body, piece, &used, &data), BODY_BAD);
        text_append_bytes(payload, data);
        input = bytes_skip(input, used);
    }
}

static void pass_rest(struct body *body, struct bytes rest, struct text *out)
{
    while (rest.size > 0) {
        size_t pass, drop;

        assert_int_not_equal(body_feed(body, rest, &pass, &drop), BODY_BAD);
        text_append_bytes(out, bytes_of(rest.data, pass));
        rest = bytes_skip(rest, pass + drop);
    }
}

static void check_frame(struct bytes whole, size_t cut, size_t step, struct bytes expected)
{
    struct body body = chunked, reader = chunked;
    struct text payload = {0}, sent = {0}, read = {0};
    struct body_frame frame;

    take_off(&body, bytes_of(whole.data, cut), step, &payload);
    frame = body_frame(&body, payload.size);
    text_append_bytes(&sent, bytes_of(frame.before, frame.before_size));
    text_append_bytes(&sent, text_bytes(&payload));
    text_append_bytes(&sent, bytes_of(frame.after, frame.after_size));
    pass_rest(&body, bytes_skip(whole, cut), &sent);
    take_off(&reader, text_bytes(&sent), sent.size, &read);
    if (!body_is_done(&reader) || !bytes_equal(text_bytes(&read), expected))
        fail_msg("cut at %zu: %s", cut, text_string(&sent));
    text_free(&payload);
    text_free(&sent);
    text_free(&read);
}

// Wherever the payload was taken off, the rest follows it as one body.
static void what_was_taken_off_is_framed_again(void **state)
{
    static const struct {
        struct bytes whole, payload;
    } cases[] = {
        {BYTES("3\r\nabc\r\n0\r\n\r\n"), BYTES("abc")},
        {BYTES("1\r\na\r\n1\r\nb\r\n1\r\nc\r\n0\r\n\r\n"), BYTES("abc")},
        {BYTES("0\r\n\r\n"), BYTES("")},
        {BYTES("000\r\nX: y\r\n\r\n"), BYTES("")},
        {BYTES("0010;name=\"va\\\"lue\";x\r\n0123456789abcdef\r\n02;y\r\ngh\r\n00;z=1\r\nA: b\r\nC: d\r\n\r\n"),
         BYTES("0123456789abcdefgh")},
    };

    for (size_t i = 0; i < GL_ARRAY_SIZE(cases); i++)
        for (size_t cut = 0; cut <= cases[i].whole.size; cut++) {
            check_frame(cases[i].whole, cut, 1, cases[i].payload);
            check_frame(cases[i].whole, cut, cases[i].whole.size, cases[i].payload);
        }
}

static void a_length_needs_no_frame(void **state)
{
    struct body body = {.kind = BODY_LENGTH, .left = 5};
    struct body_frame frame = body_frame(&body, 3);

    assert_int_equal(frame.before_size + frame.after_size, 0);
}

static struct body request_body(struct bytes text)
{
    struct head head;
    struct body body;

    head_init(&head);
    assert_int_equal(head_parse_request(&head, text, text.size + 1), HEAD_DONE);
    body_from_request(&body, &head);
    return body;
}

static struct body response_body(const char *text, enum head_method method)
{
    struct head head;
    struct body body;

    head_init(&head);
    assert_int_equal(head_parse_response(&head, bytes_of_string(text), strlen(text) + 1), HEAD_DONE);
    body_from_response(&body, &head, method);
    return body;
}

static void requests_are_framed(void **state)
{
    struct body body = request_body(BYTES("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n"));

    assert_int_equal(body.kind, BODY_LENGTH);
    assert_int_equal(body.left, 5);
    body = request_body(BYTES("PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"));
    assert_int_equal(body.kind, BODY_CHUNKED);
    body = request_body(BYTES("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n"));
    assert_true(body_is_done(&body));
    body = request_body(BYTES("POST / HTTP/1.1\r\nHost: a\r\n\r\n"));
    assert_int_equal(body.kind, BODY_NONE);
    body = request_body(BYTES("POST / HTTP/1.0\r\n\r\n"));
    assert_int_equal(body.kind, BODY_NONE);
}

// RFC 9112, 6.3.
static void responses_are_framed(void **state)
{
    static const struct {
        const char *text;
        enum head_method method;
        enum body_kind kind;
    } cases[] = {
        {OK "Content-Length: 5\r\n\r\n", METHOD_GET, BODY_LENGTH},
        {OK "Content-Length: 0\r\n\r\n", METHOD_GET, BODY_NONE},
        {OK "Transfer-Encoding: chunked\r\n\r\n", METHOD_GET, BODY_CHUNKED},
        {OK "\r\n", METHOD_GET, BODY_UNTIL_CLOSE},
        {"HTTP/1.0 200 OK\r\n\r\n", METHOD_POST, BODY_UNTIL_CLOSE},
        {OK "Content-Length: 5\r\n\r\n", METHOD_HEAD, BODY_NONE},
        {OK "Transfer-Encoding: chunked\r\n\r\n", METHOD_HEAD, BODY_NONE},
        {OK "\r\n", METHOD_HEAD, BODY_NONE},
        {"HTTP/1.1 100 Continue\r\n\r\n", METHOD_POST, BODY_NONE},
        {"HTTP/1.1 103 Early Hints\r\nContent-Length: 5\r\n\r\n", METHOD_GET, BODY_NONE},
        {"HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n", METHOD_DELETE, BODY_NONE},
        {"HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n", METHOD_DELETE, BODY_NONE},
        {"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", METHOD_GET, BODY_NONE},
        {"HTTP/1.1 205 Reset Content\r\nContent-Length: 5\r\n\r\n", METHOD_GET, BODY_LENGTH},
        {OK "Content-Length: 5\r\n\r\n", METHOD_CONNECT, BODY_NONE},
        {"HTTP/1.1 299 x\r\n\r\n", METHOD_CONNECT, BODY_NONE},
        {"HTTP/1.1 407 x\r\nContent-Length: 5\r\n\r\n", METHOD_CONNECT, BODY_LENGTH},
        {"HTTP/1.1 404 x\r\n\r\n", METHOD_OTHER, BODY_UNTIL_CLOSE},
    };

    for (size_t i = 0; i < GL_ARRAY_SIZE(cases); i++) {
        struct body body = response_body(cases[i].text, cases[i].method);

        if (body.kind != cases[i].kind)
            fail_msg("%s: kind %d", cases[i].text, (int)body.kind);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chunks_are_passed_and_decoded),
        cmocka_unit_test(malformed_chunks_are_refused),
        cmocka_unit_test(every_truncation_is_told),
        cmocka_unit_test(what_is_dropped_is_bounded),
        cmocka_unit_test(a_large_chunk_is_metered),
        cmocka_unit_test(a_length_is_metered),
        cmocka_unit_test(a_body_until_close_ends_with_the_input),
        cmocka_unit_test(a_done_body_uses_nothing),
        cmocka_unit_test(a_copy_looks_ahead),
        cmocka_unit_test(what_was_taken_off_is_framed_again),
        cmocka_unit_test(a_length_needs_no_frame),
        cmocka_unit_test(requests_are_framed),
        cmocka_unit_test(responses_are_framed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
