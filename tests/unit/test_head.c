#include "head.h"

#include "cmocka_unit.h"

#define LIMIT ((size_t)65536)

#define GET  "GET / HTTP/1.1\r\nHost: a\r\n"
#define POST "POST / HTTP/1.1\r\nHost: a\r\n"
#define OK   "HTTP/1.1 200 OK\r\n"

typedef enum head_result parse_fn(struct head *head, struct bytes input, size_t limit);

// A copy of exactly this size, so that a read past the end shows under ASan and valgrind.
static char *exact_copy(struct bytes input)
{
    char *copy = malloc(input.size ? input.size : 1);

    assert_non_null(copy);
    if (input.size)
        memcpy(copy, input.data, input.size);
    return copy;
}

// Each prefix in a buffer of its own, as if the session's buffer moved, and parsed by a head that knows of the
// one before only what head.h says it must.
static enum head_result parse_byte_by_byte(parse_fn *parse, struct head *head, struct bytes input, size_t limit,
                                           char **ret_copy)
{
    enum head_result result = HEAD_MORE;
    size_t searched = 0;
    char *copy = NULL;

    for (size_t size = 0; size <= input.size && result == HEAD_MORE; size++) {
        free(copy);
        copy = exact_copy(bytes_of(input.data, size));
        head_init(head);
        head->searched = searched;
        result = parse(head, bytes_of(copy, size), limit);
        searched = head->searched;
    }
    *ret_copy = copy;
    return result;
}

static void assert_same_head(const struct head *a, const struct head *b)
{
    assert_int_equal(a->size, b->size);
    assert_int_equal(a->field_count, b->field_count);
    assert_int_equal(a->content_length, b->content_length);
    assert_int_equal(a->chunked, b->chunked);
    assert_int_equal(a->keep_alive, b->keep_alive);
    assert_true(bytes_equal(a->target, b->target));
    assert_true(bytes_equal(a->reason, b->reason));
    assert_true(bytes_equal(a->host, b->host));
    for (size_t i = 0; i < a->field_count; i++) {
        assert_true(bytes_equal(a->fields[i].name, b->fields[i].name));
        assert_true(bytes_equal(a->fields[i].value, b->fields[i].value));
        assert_int_equal(a->fields[i].hop_by_hop, b->fields[i].hop_by_hop);
    }
}

static void assert_within(struct bytes view, const char *room, size_t size)
{
    assert_true(view.size == 0 || (view.data >= room && view.data + view.size <= room + size));
}

// The copy is the same, and needs nothing of the bytes that were parsed, which have moved since.
static void check_copy(const struct head *head, struct bytes input)
{
    char *moved = exact_copy(bytes_of(input.data, head->size));
    char *room = malloc(head->size);
    struct head copy;

    assert_non_null(room);
    head_copy(&copy, room, head, moved);
    free(moved);
    assert_same_head(head, &copy);
    assert_true(bytes_equal(copy.method_name, head->method_name));
    assert_within(copy.method_name, room, copy.size);
    assert_within(copy.target, room, copy.size);
    assert_within(copy.reason, room, copy.size);
    assert_within(copy.host, room, copy.size);
    for (size_t i = 0; i < copy.field_count; i++) {
        assert_within(copy.fields[i].name, room, copy.size);
        assert_within(copy.fields[i].value, room, copy.size);
    }
    assert_true(bytes_equal(head_value(&copy, FIELD_HOST), copy.host));
    free(room);
}

static void check(parse_fn *parse, struct bytes input, size_t limit, enum head_result expected)
{
    char *whole = exact_copy(input);
    char *piecewise;
    struct head head, other;
    enum head_result result;

    head_init(&head);
    result = parse(&head, bytes_of(whole, input.size), limit);
    if (result != expected)
        fail_msg("%.*s\n: result %d, expected %d (%s)", (int)input.size, input.data, (int)result, (int)expected,
                 head.bad ? head.bad : "");
    assert_int_equal(parse_byte_by_byte(parse, &other, input, limit, &piecewise), result);
    if (result == HEAD_BAD || result == HEAD_TOO_LARGE)
        assert_string_equal(other.bad, head.bad);
    if (result == HEAD_DONE) {
        assert_same_head(&head, &other);
        check_copy(&head, input);
    }
    free(piecewise);
    free(whole);
}

static void check_all(parse_fn *parse, const struct bytes *texts, size_t count, enum head_result expected)
{
    for (size_t i = 0; i < count; i++)
        check(parse, texts[i], LIMIT, expected);
}

static void requests_accepted(void **state)
{
    static const struct bytes texts[] = {
        BYTES("GET / HTTP/1.1\r\nHost: github.com\r\n\r\n"),
        BYTES("GET / HTTP/1.0\r\n\r\n"),
        BYTES("\r\n" GET "\r\n"), // RFC 9112, 2.2
        BYTES(GET "\r\nnext request"),
        BYTES("GET / HTTP/1.1\r\nhOST:\ta \t\r\n\r\n"),
        BYTES("BREW / HTTP/1.1\r\nHost: a\r\n\r\n"),
        BYTES("get / HTTP/1.1\r\nHost: a\r\n\r\n"),
        BYTES("CONNECT github.com:443 HTTP/1.1\r\nHost: github.com:443\r\n\r\n"),
        BYTES("CONNECT github.com:443 HTTP/1.0\r\n\r\n"),
        BYTES("CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\nContent-Length: 0\r\n\r\n"),
        BYTES("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n"),
        BYTES("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n"),
        BYTES("GET http://a/b?c HTTP/1.1\r\nHost: a\r\n\r\n"),
        BYTES("GET /!\"$%&'()*+,-./09:;<=>?@AZ[\\]^_`az{|}~ HTTP/1.1\r\nHost: a\r\n\r\n"),
        BYTES(GET "!#$%&'*+-.^_`|~09azAZ: x\r\n\r\n"),
        BYTES(GET "X: \x80\xff\tvisible ~\r\n\r\n"),
        BYTES(GET "X:\r\n\r\n"),
        BYTES(GET "X: \r\nY:\t\r\n\r\n"),
        BYTES(GET "X: a\r\nX: b\r\n\r\n"),
        BYTES(POST "Content-Length: 0\r\n\r\n"),
        BYTES(POST "Content-Length: 007\r\n\r\n"),
        BYTES(POST "Content-Length:4294967296 \r\n\r\n"),
        BYTES(POST "Content-Length: 999999999999999999\r\n\r\n"),
        BYTES(POST "Transfer-Encoding: chunked\r\n\r\n"),
        BYTES(POST "TRANSFER-ENCODING:\tChunKed\t\r\n\r\n"),
        BYTES(GET "Connection: close, ,X-A,\r\nConnection: te\r\n\r\n"),
        BYTES(GET "Connection:\r\n\r\n"),
        BYTES(GET "Accept: a\r\nAccept: b\r\nContent-Type: x\r\nOrigin: null\r\n\r\n"),
    };

    check_all(head_parse_request, texts, GL_ARRAY_SIZE(texts), HEAD_DONE);
}

static void requests_refused(void **state)
{
    static const struct bytes texts[] = {
        // not HTTP/1.1
        BYTES("\x16\x03\x01\x02"),
        BYTES(" "),
        BYTES("\n"),
        BYTES("PRI * HTTP/2.0\r\n\r\n"),
        BYTES("GET /\r\n\r\n"),
        // Host
        BYTES("GET / HTTP/1.1\r\nHost:\r\n\r\n"),
        BYTES("GET / HTTP/1.1\r\nHost: \t\r\n\r\n"),
        BYTES("GET / HTTP/1.0\r\nHost:\r\n\r\n"),
        BYTES("CONNECT github.com:443 HTTP/1.1\r\nHost:\r\n\r\n"),
        // start line
        BYTES("\r\n\r\n"),
        BYTES("\r\n\r\n" GET "\r\n"),
        BYTES("\n" GET "\r\n"),
        BYTES("\rGET / HTTP/1.1\r\nHost: a\r\n\r\n"),
        BYTES(" GET / HTTP/1.1\r\nHost: a\r\n\r\n"),
        BYTES("\r\n GET / HTTP/1.1\r\nHost: a\r\n\r\n"),
        BYTES("GET  / HTTP/1.1\r\nHost: a\r\n\r\n"),
        BYTES("GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n"),
        BYTES("GET /  HTTP/1.1\r\nHost: a\r\n\r\n"),
        BYTES("GET / HTTP/1.1 \r\nHost: a\r\n\r\n"),
        BYTES("GET / x HTTP/1.1\r\nHost: a\r\n\r\n"),
        BYTES("GET HTTP/1.1\r\nHost: a\r\n\r\n"),
        BYTES("GE(T / HTTP/1.1\r\nHost: a\r\n\r\n"),
        BYTES("GET /\x7f HTTP/1.1\r\nHost: a\r\n\r\n"),
        BYTES("GET /\x80 HTTP/1.1\r\nHost: a\r\n\r\n"),
        BYTES("GET /\xc3\xa9 HTTP/1.1\r\nHost: a\r\n\r\n"),
        BYTES("GET /\0 HTTP/1.1\r\nHost: a\r\n\r\n"),
        BYTES("GET /\t HTTP/1.1\r\nHost: a\r\n\r\n"),
        BYTES("GET /\r HTTP/1.1\r\nHost: a\r\n\r\n"),
        BYTES("GET / HTTP/1.2\r\nHost: a\r\n\r\n"),
        BYTES("GET / HTTP/2.0\r\nHost: a\r\n\r\n"),
        BYTES("GET / HTTP/1.10\r\nHost: a\r\n\r\n"),
        BYTES("GET / HTTP/01.1\r\nHost: a\r\n\r\n"),
        BYTES("GET / HTTP/1.\r\nHost: a\r\n\r\n"),
        BYTES("GET / http/1.1\r\nHost: a\r\n\r\n"),
        BYTES("GET / HTTPS/1.1\r\nHost: a\r\n\r\n"),
        BYTES("GET / HTTP/1.1\nHost: a\r\n\r\n"),
        BYTES("GET / HTTP/1.1\nno need to wait for more"),
        BYTES("GET / HTTP/1.1\r\r\nHost: a\r\n\r\n"),
        // field lines
        BYTES("GET / HTTP/1.1\r\nHost: a\n\r\n"),
        BYTES("GET / HTTP/1.1\r\nHost: a\n\n"),
        BYTES(GET "\n"),
        BYTES(GET "X: a\rb\r\n\r\n"),
        BYTES(GET "X: a\r\r\n\r\n"),
        BYTES(GET "X: a\0b\r\n\r\n"),
        BYTES(GET "X: a\x01\r\n\r\n"),
        BYTES(GET "X: a\x7f\r\n\r\n"),
        BYTES(GET "X: a\x0b\r\n\r\n"),
        BYTES(GET "X: a\r\n b\r\n\r\n"),
        BYTES(GET "X: a\r\n\tb\r\n\r\n"),
        BYTES(GET "X: a\r\n \r\n\r\n"),
        BYTES("GET / HTTP/1.1\r\n Host: a\r\n\r\n"),
        BYTES("GET / HTTP/1.1\r\n\tHost: a\r\nHost: b\r\n\r\n"),
        BYTES(GET "X : a\r\n\r\n"),
        BYTES(GET "X\t: a\r\n\r\n"),
        BYTES(GET ": a\r\n\r\n"),
        BYTES(GET "X\r\n\r\n"),
        BYTES(GET "X Y: a\r\n\r\n"),
        BYTES(GET "X\0: a\r\n\r\n"),
        BYTES(GET "X\x80: a\r\n\r\n"),
        BYTES(GET "X@: a\r\n\r\n"),
        BYTES(GET "\"X\": a\r\n\r\n"),
        BYTES(GET "X/Y: a\r\n\r\n"),
        BYTES(GET "[X]: a\r\n\r\n"),
        // Host
        BYTES("GET / HTTP/1.1\r\n\r\n"),
        BYTES("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n"),
        BYTES("GET / HTTP/1.0\r\nHost: a\r\nhost: b\r\n\r\n"),
        // framing
        BYTES(POST "Content-Length: 5\r\nContent-Length: 5\r\n\r\n"),
        BYTES(POST "Content-Length: 5\r\ncontent-length: 6\r\n\r\n"),
        BYTES(POST "Content-Length: 5, 5\r\n\r\n"),
        BYTES(POST "Content-Length: 5,\r\n\r\n"),
        BYTES(POST "Content-Length: +5\r\n\r\n"),
        BYTES(POST "Content-Length: -5\r\n\r\n"),
        BYTES(POST "Content-Length: 0x5\r\n\r\n"),
        BYTES(POST "Content-Length: 5a\r\n\r\n"),
        BYTES(POST "Content-Length: 5 5\r\n\r\n"),
        BYTES(POST "Content-Length: 1e3\r\n\r\n"),
        BYTES(POST "Content-Length:\r\n\r\n"),
        BYTES(POST "Content-Length: \"5\"\r\n\r\n"),
        BYTES(POST "Content-Length: 1000000000000000000\r\n\r\n"),
        BYTES(POST "Content-Length: 18446744073709551621\r\n\r\n"),
        BYTES(POST "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"),
        BYTES(POST "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n"),
        BYTES(POST "Transfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n"),
        BYTES(POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n"),
        BYTES(POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n"),
        BYTES(POST "Transfer-Encoding: identity\r\n\r\n"),
        BYTES(POST "Transfer-Encoding: gzip, chunked\r\n\r\n"),
        BYTES(POST "Transfer-Encoding: chunked, chunked\r\n\r\n"),
        BYTES(POST "Transfer-Encoding: chunked,\r\n\r\n"),
        BYTES(POST "Transfer-Encoding: xchunked\r\n\r\n"),
        BYTES(POST "Transfer-Encoding: \"chunked\"\r\n\r\n"),
        BYTES(POST "Transfer-Encoding: chunked;q=1\r\n\r\n"),
        BYTES(POST "Transfer-Encoding: \x0b"
                   "chunked\r\n\r\n"),
        BYTES(POST "Transfer-Encoding:\r\n\r\n"),
        BYTES(POST "Transfer-Encoding : chunked\r\n\r\n"),
        BYTES(POST "Transfer-Encoding\r\n : chunked\r\n\r\n"),
        BYTES("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"),
        BYTES("CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\nContent-Length: 5\r\n\r\n"),
        BYTES("CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\nTransfer-Encoding: chunked\r\n\r\n"),
        BYTES("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n"),
        BYTES("GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"),
        BYTES("HEAD / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n"),
        BYTES("HEAD / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"),
        // what may be there once
        BYTES(POST "Content-Type: a\r\nContent-Type: a\r\n\r\n"),
        BYTES(GET "Origin: a\r\nOrigin: b\r\n\r\n"),
        // Connection
        BYTES(GET "Connection: a b\r\n\r\n"),
        BYTES(GET "Connection: \"close\"\r\n\r\n"),
        BYTES(GET "Connection: a,b,c,d,e,f,g,h,i\r\nConnection: j,k,l,m,n,o,p,q\r\n\r\n"),
    };

    check_all(head_parse_request, texts, GL_ARRAY_SIZE(texts), HEAD_BAD);
}

static void requests_incomplete(void **state)
{
    static const struct bytes texts[] = {
        BYTES(""), BYTES("\r"), BYTES("\r\n"), BYTES("G"), BYTES("GET / HTTP/1.1\r\n"), BYTES(GET), BYTES(GET "\r"),
    };

    check_all(head_parse_request, texts, GL_ARRAY_SIZE(texts), HEAD_MORE);
}

static void responses_accepted(void **state)
{
    static const struct bytes texts[] = {
        BYTES(OK "\r\n"),
        BYTES("HTTP/1.0 200 Connection established\r\n\r\n"),
        BYTES("HTTP/1.1 200 \r\n\r\n"),
        BYTES("HTTP/1.1 200\r\n\r\n"),
        BYTES("HTTP/1.1 404 N\xc3\xb6t \t found\r\n\r\n"),
        BYTES("HTTP/1.1 100 Continue\r\n\r\n" OK "\r\n"),
        BYTES("HTTP/1.1 599 x\r\n\r\n"),
        BYTES("HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n"),
        BYTES(OK "Content-Length: 5\r\n\r\nhello"),
        BYTES(OK "Transfer-Encoding: chunked\r\n\r\n"),
        BYTES(OK "Set-Cookie: a\r\nSet-Cookie: b\r\n\r\n"),
    };

    check_all(head_parse_response, texts, GL_ARRAY_SIZE(texts), HEAD_DONE);
}

static void responses_refused(void **state)
{
    static const struct bytes texts[] = {
        BYTES("\r\n" OK "\r\n"),
        BYTES("\x15\x03\x01"),
        BYTES("<html>"),
        BYTES("HTTP/0.9 200 OK\r\n\r\n"),
        BYTES("HTTP/2 200 OK\r\n\r\n"),
        BYTES("HTTP/1.2 200 OK\r\n\r\n"),
        BYTES("HTTP/1.1  200 OK\r\n\r\n"),
        BYTES("HTTP/1.1\t200 OK\r\n\r\n"),
        BYTES("HTTP/1.1 20 OK\r\n\r\n"),
        BYTES("HTTP/1.1 2000 OK\r\n\r\n"),
        BYTES("HTTP/1.1 20x OK\r\n\r\n"),
        BYTES("HTTP/1.1 099 OK\r\n\r\n"),
        BYTES("HTTP/1.1 600 OK\r\n\r\n"),
        BYTES("HTTP/1.1 -20 OK\r\n\r\n"),
        BYTES("HTTP/1.1 200OK\r\n\r\n"),
        BYTES("HTTP/1.1 200\tOK\r\n\r\n"),
        BYTES("HTTP/1.1 200 O\x01K\r\n\r\n"),
        BYTES("HTTP/1.1 200 O\rK\r\n\r\n"),
        BYTES("HTTP/1.1 200 OK\n\r\n"),
        BYTES(OK "X: a\r\n b\r\n\r\n"),
        BYTES(OK "X : a\r\n\r\n"),
        BYTES(OK "X: \0\r\n\r\n"),
        BYTES(OK "Content-Length: 5\r\nContent-Length: 5\r\n\r\n"),
        BYTES(OK "Content-Length: 5, 5\r\n\r\n"),
        BYTES(OK "Content-Length: -1\r\n\r\n"),
        BYTES(OK "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"),
        BYTES(OK "Transfer-Encoding: gzip\r\n\r\n"),
        BYTES(OK "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n"),
        BYTES("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
        BYTES("HTTP/1.1 302 Found\r\nLocation: /a\r\nLocation: /b\r\n\r\n"),
    };

    check_all(head_parse_response, texts, GL_ARRAY_SIZE(texts), HEAD_BAD);
}

static void limit_holds(void **state)
{
    struct bytes text = BYTES(GET "\r\nbody");
    size_t size = text.size - 4;

    check(head_parse_request, text, size, HEAD_DONE);
    check(head_parse_request, text, size - 1, HEAD_TOO_LARGE);
    check(head_parse_request, text, 1, HEAD_TOO_LARGE);
    check(head_parse_request, bytes_of(text.data, size - 1), size - 1, HEAD_TOO_LARGE);
    check(head_parse_request, bytes_of(text.data, size - 1), size, HEAD_MORE);
    // What lies beyond the limit is not looked at.
    check(head_parse_request, BYTES("GET / HTTP/1.1\n"), 14, HEAD_TOO_LARGE);
}

static void field_count_holds(void **state)
{
    static char text[8192];
    size_t size = (size_t)snprintf(text, sizeof(text), "%s", GET);

    for (int i = 1; i < HEAD_FIELDS_MAX; i++)
        size += (size_t)snprintf(text + size, sizeof(text) - size, "X-%d: %d\r\n", i, i);
    memcpy(text + size, "\r\n", 2);
    check(head_parse_request, bytes_of(text, size + 2), LIMIT, HEAD_DONE);
    memcpy(text + size, "Y: 1\r\n\r\n", 8);
    check(head_parse_request, bytes_of(text, size + 8), LIMIT, HEAD_TOO_LARGE);
}

static struct head parsed_request(struct bytes text)
{
    struct head head;

    head_init(&head);
    assert_int_equal(head_parse_request(&head, text, LIMIT), HEAD_DONE);
    return head;
}

static struct head parsed_response(struct bytes text)
{
    struct head head;

    head_init(&head);
    assert_int_equal(head_parse_response(&head, text, LIMIT), HEAD_DONE);
    return head;
}

static void assert_bytes(struct bytes actual, const char *expected)
{
    assert_int_equal(actual.size, strlen(expected));
    assert_memory_equal(actual.data, expected, actual.size);
}

static void request_is_taken_apart(void **state)
{
    struct bytes text = BYTES("\r\nPOST /acme/widgets.git/git-upload-pack?x HTTP/1.1\r\n"
                              "Host: github.com \r\n"
                              "User-Agent: git/2.39.5\r\n"
                              "content-LENGTH: 12\r\n"
                              "Expect: 100-Continue\r\n"
                              "Connection: x-one, Close\r\n"
                              "X-One: 1\r\n"
                              "X-Two:\t a  b\t\r\n"
                              "\r\n"
                              "0012command=fetch");
    struct head head = parsed_request(text);

    assert_int_equal(head.size, text.size - strlen("0012command=fetch"));
    assert_int_equal(head.minor, 1);
    assert_int_equal(head.method, METHOD_POST);
    assert_bytes(head.method_name, "POST");
    assert_bytes(head.target, "/acme/widgets.git/git-upload-pack?x");
    assert_bytes(head.host, "github.com");
    assert_int_equal(head.content_length, 12);
    assert_false(head.chunked);
    assert_false(head.keep_alive);
    assert_true(head.expect_continue);
    assert_int_equal(head.field_count, 7);
    assert_bytes(head_value(&head, FIELD_USER_AGENT), "git/2.39.5");
    assert_bytes(head_value(&head, FIELD_COOKIE), "");
    assert_bytes(head.fields[2].name, "content-LENGTH");
    assert_bytes(head.fields[6].value, "a  b");
    assert_true(head.fields[5].hop_by_hop);
    assert_false(head.fields[6].hop_by_hop);
}

static void response_is_taken_apart(void **state)
{
    struct head head = parsed_response(BYTES("HTTP/1.1 429 Too Many Requests\r\n"
                                             "Retry-After: 60\r\n"
                                             "Transfer-Encoding: chunked\r\n"
                                             "X-GitHub-Request-Id: AB:12\r\n\r\n"));

    assert_int_equal(head.status, 429);
    assert_bytes(head.reason, "Too Many Requests");
    assert_true(head.chunked);
    assert_int_equal(head.content_length, -1);
    assert_true(head.keep_alive);
    assert_bytes(head_value(&head, FIELD_RETRY_AFTER), "60");
    assert_bytes(head_value(&head, FIELD_X_GITHUB_REQUEST_ID), "AB:12");
}

static void methods_are_told(void **state)
{
    static const struct {
        const char *name;
        enum head_method method;
    } methods[] = {
        {"GET", METHOD_GET},         {"HEAD", METHOD_HEAD},     {"POST", METHOD_POST},       {"PUT", METHOD_PUT},
        {"PATCH", METHOD_PATCH},     {"DELETE", METHOD_DELETE}, {"OPTIONS", METHOD_OPTIONS}, {"TRACE", METHOD_OTHER},
        {"CONNECT", METHOD_CONNECT}, {"GETS", METHOD_OTHER},    {"GE", METHOD_OTHER},        {"get", METHOD_OTHER},
    };
    char text[64];

    for (size_t i = 0; i < GL_ARRAY_SIZE(methods); i++) {
        (void)snprintf(text, sizeof(text), "%s a HTTP/1.1\r\nHost: a\r\n\r\n", methods[i].name);
        assert_int_equal(parsed_request(bytes_of_string(text)).method, methods[i].method);
    }
}

static void persistence_is_told(void **state)
{
    // RFC 9112, 9.3.
    assert_true(parsed_request(BYTES(GET "\r\n")).keep_alive);
    assert_true(parsed_request(BYTES(GET "Connection: Keep-Alive\r\n\r\n")).keep_alive);
    assert_true(parsed_request(BYTES(GET "Connection: closed\r\n\r\n")).keep_alive);
    assert_false(parsed_request(BYTES(GET "Connection: CLOSE\r\n\r\n")).keep_alive);
    assert_false(parsed_request(BYTES(GET "Connection: close, keep-alive\r\n\r\n")).keep_alive);
    assert_false(parsed_request(BYTES(GET "Connection: x\r\nX: y\r\nConnection: close\r\n\r\n")).keep_alive);
    assert_false(parsed_request(BYTES("GET / HTTP/1.0\r\n\r\n")).keep_alive);
    assert_false(parsed_request(BYTES("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")).keep_alive);
    assert_true(parsed_response(BYTES(OK "\r\n")).keep_alive);
    assert_false(parsed_response(BYTES(OK "Connection: close\r\n\r\n")).keep_alive);
    assert_false(parsed_response(BYTES("HTTP/1.0 200 OK\r\n\r\n")).keep_alive);
    assert_true(parsed_response(BYTES("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n\r\n")).keep_alive);
}

static void expectation_is_told(void **state)
{
    assert_true(parsed_request(BYTES(POST "Expect: 100-continue\r\n\r\n")).expect_continue);
    assert_false(parsed_request(BYTES(POST "Expect: 200-ok\r\n\r\n")).expect_continue);
    assert_false(parsed_request(BYTES(POST "\r\n")).expect_continue);
    // RFC 9110, 10.1.1: an HTTP/1.0 client does not wait for it.
    assert_false(parsed_request(BYTES("POST / HTTP/1.0\r\nExpect: 100-continue\r\n\r\n")).expect_continue);
}

static void next_message_starts_afresh(void **state)
{
    static const char text[] = POST "Content-Length: 3\r\nConnection: close\r\n\r\n" GET "\r\n";
    struct head head = parsed_request(bytes_of_string(text));
    size_t first = head.size;

    head_init(&head);
    assert_int_equal(head_parse_request(&head, bytes_of_string(text + first), LIMIT), HEAD_DONE);
    assert_int_equal(head.content_length, -1);
    assert_int_equal(head.field_count, 1);
    assert_true(head.keep_alive);
    assert_int_equal(head.count[FIELD_CONTENT_LENGTH], 0);
}

static void field_names_are_told(void **state)
{
    static const struct {
        struct bytes name;
        enum field_id id;
    } names[] = {
#define FIELD_NAME(id, first, last, name) {BYTES(name), FIELD_##id},
        FIELD_LIST(FIELD_NAME)
#undef FIELD_NAME
            {BYTES("Proxy-Connection"), FIELD_PROXY_OTHER},
        {BYTES("proxy-authorization"), FIELD_PROXY_AUTHORIZATION},
        {BYTES("X-Forwarded-For"), FIELD_X_FORWARDED},
        {BYTES("X-FORWARDED-"), FIELD_X_FORWARDED},
        {BYTES("AUTHORIZATION"), FIELD_AUTHORIZATION},
        {BYTES("Authorizatiom"), FIELD_OTHER},
        {BYTES("Authorisation"), FIELD_OTHER},
        {BYTES("hosts"), FIELD_OTHER},
        {BYTES("hoot"), FIELD_OTHER},
        {BYTES("x"), FIELD_OTHER},
        {BYTES("proxy"), FIELD_OTHER},
    };

    for (size_t i = 0; i < GL_ARRAY_SIZE(names); i++) {
        if (field_id_of(names[i].name) != names[i].id)
            fail_msg("%s: %d", names[i].name.data, (int)field_id_of(names[i].name));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_accepted),          cmocka_unit_test(requests_refused),
        cmocka_unit_test(requests_incomplete),        cmocka_unit_test(responses_accepted),
        cmocka_unit_test(responses_refused),          cmocka_unit_test(limit_holds),
        cmocka_unit_test(field_count_holds),          cmocka_unit_test(request_is_taken_apart),
        cmocka_unit_test(response_is_taken_apart),    cmocka_unit_test(methods_are_told),
        cmocka_unit_test(persistence_is_told),        cmocka_unit_test(expectation_is_told),
        cmocka_unit_test(next_message_starts_afresh), cmocka_unit_test(field_names_are_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
