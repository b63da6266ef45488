#include "body_gate.h"

#include <zlib.h>

#include "cmocka_unit.h"
#include "mem.h"

#define ZERO_ID "0000000000000000000000000000000000000000"
#define SOME_ID "1111111111111111111111111111111111111111"
#define COMMAND ZERO_ID " " SOME_ID " refs/heads/x"

// A request as it arrives: the fields before the empty line, then the body.
struct request {
    char text[4096];
    size_t size;
    struct head head;
    struct bytes body;
};

static void make_request(struct request *request, const char *fields, struct bytes body)
{
    int head_size = snprintf(request->text, sizeof(request->text), "POST / HTTP/1.1\r\nHost: h\r\n%s%s%zu\r\n\r\n",
                             fields, strstr(fields, "chunked") ? "X-Size: " : "Content-Length: ", body.size);

    assert_true((size_t)head_size + body.size < sizeof(request->text));
    memcpy(request->text + head_size, body.data, body.size);
    request->size = (size_t)head_size + body.size;
    head_init(&request->head);
    assert_int_equal(head_parse_request(&request->head, bytes_of(request->text, request->size), 4096), HEAD_DONE);
    request->body = bytes_skip(bytes_of(request->text, request->size), request->head.size);
}

static struct body_gate *gate_of(enum operation_kind kind, const struct request *request)
{
    struct operation operation = {.kind = kind};

    return body_gate_new(&operation, &request->head);
}

// What the gate says to the body in pieces of this size.
static enum body_gate_result feed(struct body_gate *gate, struct bytes body, size_t piece, struct verdict *ret_verdict)
{
    enum body_gate_result result = BODY_GATE_MORE;

    while (result == BODY_GATE_MORE) {
        size_t size = body.size < piece ? body.size : piece;

        result = body_gate_feed(gate, bytes_of(body.data, size), size == body.size, ret_verdict);
        body = bytes_skip(body, size);
        if (body.size == 0)
            break;
    }
    return result;
}

static struct bytes gzip(struct bytes plain, char *room, size_t size)
{
    z_stream stream = {0};

    assert_int_equal(deflateInit2(&stream, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    stream.next_in = (z_const Bytef *)(uintptr_t)plain.data;
    stream.avail_in = (uInt)plain.size;
    stream.next_out = (Bytef *)room;
    stream.avail_out = (uInt)size;
    assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
    size -= stream.avail_out;
    deflateEnd(&stream);
    return bytes_of(room, size);
}

static struct bytes push_body(char *room, size_t size, const char *after)
{
    static const char line[] = COMMAND "\0 report-status";

    snprintf(room, size, "%04zx", sizeof(line) - 1 + 4);
    memcpy(room + 4, line, sizeof(line) - 1);
    snprintf(room + 4 + sizeof(line) - 1, size - 4 - sizeof(line) + 1, "0000%s", after);
    return bytes_of(room, 4 + sizeof(line) - 1 + 4 + strlen(after));
}

static void a_push_is_decided_however_it_is_cut(void **state)
{
    char room[512], coded[512];
    struct bytes plain = push_body(room, sizeof(room), "PACKdata");

    for (size_t piece = 1; piece <= plain.size; piece++) {
        for (int gzipped = 0; gzipped < 2; gzipped++) {
            struct request request;
            struct verdict verdict;
            struct body_gate *gate;

            make_request(&request, gzipped ? "Content-Encoding: gzip\r\n" : "",
                         gzipped ? gzip(plain, coded, sizeof(coded)) : plain);
            gate = gate_of(OPERATION_PUSH, &request);
            assert_int_equal(feed(gate, request.body, piece, &verdict), BODY_GATE_DECIDED);
            assert_false(body_gate_is_probe(gate));
            assert_int_equal(push_commands_count(body_gate_push(gate)), 1);
            body_gate_free(gate);
        }
    }
}

static void a_probe_is_one_only_where_it_is_all(void **state)
{
    static const struct {
        enum operation_kind kind;
        const char *body;
        bool probe;
        enum body_gate_result result;
    } cases[] = {
        {OPERATION_PUSH, "0000", true, BODY_GATE_DECIDED},      {OPERATION_FETCH, "0000", true, BODY_GATE_DECIDED},
        {OPERATION_FETCH, "0001", false, BODY_GATE_DECIDED},    {OPERATION_PUSH, "00000000", false, BODY_GATE_REFUSED},
        {OPERATION_PUSH, "0000PACK", false, BODY_GATE_REFUSED}, {OPERATION_PUSH, "", false, BODY_GATE_REFUSED},
        {OPERATION_PUSH, "000", false, BODY_GATE_REFUSED},
    };

    for (size_t i = 0; i < GL_ARRAY_SIZE(cases); i++) {
        for (size_t piece = 1; piece < 5; piece++) {
            struct request request;
            struct verdict verdict;
            struct body_gate *gate;

            make_request(&request, "", bytes_of_string(cases[i].body));
            gate = gate_of(cases[i].kind, &request);
            assert_int_equal(feed(gate, request.body, piece, &verdict), cases[i].result);
            assert_int_equal(body_gate_is_probe(gate), cases[i].probe);
            body_gate_free(gate);
        }
    }
}

static void a_fetch_is_passed_on_unseen(void **state)
{
    struct request request;

    make_request(&request, "", BYTES("0032want"));
    assert_null(gate_of(OPERATION_FETCH, &request));
    make_request(&request, "Transfer-Encoding: chunked\r\n", BYTES("4\r\n0000\r\n0\r\n\r\n"));
    assert_null(gate_of(OPERATION_FETCH, &request));
}

static void a_gzip_body_counts_only_when_whole(void **state)
{
    char coded[512];
    struct bytes whole = gzip(BYTES("{\"operation\":\"download\"}"), coded, sizeof(coded));

    for (size_t size = 0; size <= whole.size; size++) {
        struct request request;
        struct verdict verdict = {0};
        struct body_gate *gate;
        enum body_gate_result result;

        make_request(&request, "Content-Encoding: gzip\r\n", bytes_of(whole.data, size));
        gate = gate_of(OPERATION_LFS_BATCH, &request);
        result = feed(gate, request.body, 7, &verdict);
        assert_int_equal(result, size == whole.size ? BODY_GATE_DECIDED : BODY_GATE_REFUSED);
        if (result == BODY_GATE_REFUSED)
            assert_int_equal(verdict.reason, REASON_MALFORMED);
        body_gate_free(gate);
    }
}

// A coding that GitHub could see otherwise is none that can be looked into.
static void a_coding_that_two_could_read_differently_is_refused(void **state)
{
    static const char *const fields[] = {
        "Content-Encoding: br\r\n",
        "Content-Encoding: gzip, gzip\r\n",
        "Content-Encoding: identity\r\nContent-Encoding: gzip\r\n",
        "Content-Encoding: gzip\r\nContent-Encoding: identity\r\n",
        "Connection: content-encoding\r\nContent-Encoding: gzip\r\n",
    };

    for (size_t i = 0; i < GL_ARRAY_SIZE(fields); i++) {
        struct request request;
        struct verdict verdict = {0};
        struct body_gate *gate;

        make_request(&request, fields[i], BYTES("{\"operation\":\"download\"}"));
        gate = gate_of(OPERATION_LFS_BATCH, &request);
        assert_int_equal(feed(gate, request.body, 100, &verdict), BODY_GATE_REFUSED);
        assert_int_equal(verdict.reason, REASON_MALFORMED);
        body_gate_free(gate);
    }
}

static void the_pack_is_counted_from_its_first_byte(void **state)
{
    char room[512];

    for (size_t piece = 1; piece < 200; piece += 13) {
        struct request request;
        struct verdict verdict = {0};
        struct bytes rest, none = bytes_of(NULL, 0);
        struct body_gate *gate;
        size_t at = 0;
        bool fits = true;

        make_request(&request, "", push_body(room, sizeof(room), "PACK567890"));
        gate = gate_of(OPERATION_PUSH, &request);
        rest = request.body;
        while (rest.size > 0) {
            size_t size = rest.size < piece ? rest.size : piece;

            if (body_gate_feed(gate, bytes_of(rest.data, size), size == rest.size, &verdict) == BODY_GATE_DECIDED) {
                fits = fits && body_gate_count(gate, none, 10);
                assert_true(fits);
                at++;
            }
            rest = bytes_skip(rest, size);
        }
        assert_true(at > 0);
        assert_true(body_gate_count(gate, none, 10));
        assert_false(body_gate_count(gate, none, 9));
        body_gate_free(gate);
    }
}

static void a_body_too_long_to_be_read_is_refused(void **state)
{
    static char part[8192];
    struct request request;
    struct verdict verdict = {0};
    struct body_gate *gate;
    enum body_gate_result result = BODY_GATE_MORE;
    size_t fed = 0;

    make_request(&request, "Transfer-Encoding: chunked\r\n", BYTES(""));
    gate = gate_of(OPERATION_LFS_BATCH, &request);
    assert_int_equal(body_gate_feed(gate, BYTES("fffffff\r\n"), false, &verdict), BODY_GATE_MORE);
    memset(part, ' ', sizeof(part));
    while (result == BODY_GATE_MORE && fed < 64 * MIB) {
        result = body_gate_feed(gate, bytes_of(part, sizeof(part)), false, &verdict);
        fed += sizeof(part);
    }
    assert_int_equal(result, BODY_GATE_REFUSED);
    assert_true(fed <= LFS_BODY_SIZE_MAX + sizeof(part));
    body_gate_free(gate);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_push_is_decided_however_it_is_cut),
        cmocka_unit_test(a_probe_is_one_only_where_it_is_all),
        cmocka_unit_test(a_fetch_is_passed_on_unseen),
        cmocka_unit_test(a_gzip_body_counts_only_when_whole),
        cmocka_unit_test(a_coding_that_two_could_read_differently_is_refused),
        cmocka_unit_test(the_pack_is_counted_from_its_first_byte),
        cmocka_unit_test(a_body_too_long_to_be_read_is_refused),
    };

    return cmocka_run_group_tests_name("body_gate", tests, NULL, NULL);
}
