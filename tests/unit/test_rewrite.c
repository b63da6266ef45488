#include "rewrite.h"

#include "cmocka_unit.h"

#define LIMIT ((size_t)65536)

// A rewritten request: what GitHub gets.
struct rewritten {
    char text[4096];
};

static void assert_text(const struct rewritten *actual, const char *expected)
{
    if (strcmp(actual->text, expected) != 0)
        fail_msg("got\n%s\nexpected\n%s", actual->text, expected);
}

static struct head parse_request(const char *text)
{
    struct head head;

    head_init(&head);
    if (head_parse_request(&head, bytes_of_string(text), LIMIT) != HEAD_DONE)
        fail_msg("%s: %s", text, head.bad);
    return head;
}

static struct head parse_response(const char *text)
{
    struct head head;

    head_init(&head);
    if (head_parse_response(&head, bytes_of_string(text), LIMIT) != HEAD_DONE)
        fail_msg("%s: %s", text, head.bad);
    return head;
}

static struct rewritten request_with(const char *text, struct bytes authorization)
{
    struct rewrite_request options = {.host = BYTES("github.com"), .authorization = authorization};
    struct head head = parse_request(text);
    struct rewritten rewritten = {0};
    struct wire out = wire_of(rewritten.text, sizeof(rewritten.text) - 1);
    struct target target;

    assert_true(target_parse(head.method, head.target, &target, NULL));
    options.target = &target;
    assert_true(rewrite_request(&head, &options, &out));
    assert_in_range(out.size, 1, head.size + strlen("github.com") + authorization.size + REWRITE_ROOM);
    return rewritten;
}

static struct rewritten request(const char *text)
{
    return request_with(text, (struct bytes){0});
}

static struct rewritten response(const char *text, struct rewrite_response options)
{
    struct head head = parse_response(text);
    struct rewritten rewritten = {0};
    struct wire out = wire_of(rewritten.text, sizeof(rewritten.text) - 1);

    assert_true(rewrite_response(&head, &options, &out));
    assert_in_range(out.size, 1, head.size + options.gateway.size + options.host.size + REWRITE_ROOM);
    return rewritten;
}

static void what_git_sends_arrives(void **state)
{
    struct rewritten rewritten = request_with("POST /acme/widgets.git/git-upload-pack HTTP/1.1\r\n"
                                              "Host: GitHub.com:443\r\n"
                                              "User-Agent: git/2.39.5\r\n"
                                              "Accept-Encoding: deflate, gzip, br\r\n"
                                              "Content-Type: application/x-git-upload-pack-request\r\n"
                                              "accept: application/x-git-upload-pack-result\r\n"
                                              "Accept-Language:  en-GB, *;q=0.9 \r\n"
                                              "Git-Protocol: version=2\r\n"
                                              "Content-Encoding: gzip\r\n"
                                              "Content-Length: 0812\r\n\r\n",
                                              BYTES("Basic eDp0b2tlbg=="));

    assert_text(&rewritten, "POST /acme/widgets.git/git-upload-pack HTTP/1.1\r\n"
                            "Host: github.com\r\n"
                            "User-Agent: git/2.39.5\r\n"
                            "Accept-Encoding: deflate, gzip, br\r\n"
                            "Content-Type: application/x-git-upload-pack-request\r\n"
                            "accept: application/x-git-upload-pack-result\r\n"
                            "Accept-Language: en-GB, *;q=0.9\r\n"
                            "Git-Protocol: version=2\r\n"
                            "Content-Encoding: gzip\r\n"
                            "Content-Length: 812\r\n"
                            "Authorization: Basic eDp0b2tlbg==\r\n\r\n");
}

static void what_is_not_githubs_stays_behind(void **state)
{
    static const char *const fields[] = {
        "Authorization: Bearer foreign",
        "AUTHORIZATION: Basic Zm9yZWlnbg==",
        "Cookie: user_session=foreign",
        "PRIVATE-TOKEN: glpat-foreign",
        "JOB-TOKEN: foreign",
        "Deploy_Token: foreign",
        "Proxy-Authorization: Basic Z2l0bGF0Y2g6cGFzcw==",
        "Proxy-Connection: keep-alive",
        "proxy-anything: x",
        "Connection: keep-alive",
        "Connection: x-b\r\nX-B: for this connection",
        "X-B: before\r\nConnection: a, X-b",
        "Keep-Alive: timeout=5",
        "TE: trailers",
        "Trailer: X-Checksum",
        "Upgrade: h2c",
        "Expect: 100-continue",
        "Forwarded: for=127.0.0.1",
        "X-Forwarded-For: 127.0.0.1",
        "X-Forwarded-Host: evil.example",
        "x-forwarded-proto: http",
        "X-Real-IP: 127.0.0.1",
        "Via: 1.1 somewhere",
        "X-HTTP-Method-Override: DELETE",
        "X-HTTP-Method: DELETE",
        "X-Method-Override: DELETE",
        "X-Original-URL: /other",
        "X-Rewrite-URL: /other",
        // CGI and Rack take `_` for `-`
        "X_HTTP_Method_Override: DELETE",
        "x_forwarded_for: 127.0.0.1",
        "X_Forwarded-Some-Name-That-Is-Longer-Than-All-Others: 1",
        "Content_Length: 5",
        "Transfer_Encoding: chunked",
    };
    char text[512];

    for (size_t i = 0; i < GL_ARRAY_SIZE(fields); i++) {
        struct rewritten rewritten;

        (void)snprintf(text, sizeof(text), "GET /a HTTP/1.1\r\nHost: a\r\nX-A: 1\r\n%s\r\n\r\n", fields[i]);
        rewritten = request(text);
        assert_text(&rewritten, "GET /a HTTP/1.1\r\nHost: github.com\r\nX-A: 1\r\n\r\n");
    }
}

static void other_fields_arrive(void **state)
{
    static const char text[] = "PATCH /a HTTP/1.1\r\nHost: github.com\r\nX-A: b\r\nx-a: c\r\nX-Empty: \r\n"
                               "X_Own_Field: d\r\nOrigin: null\r\nIf-None-Match: \"\x80\"\r\n"
                               "X-GitHub-Api-Version: 2022-11-28\r\nRange: bytes=0-\r\n\r\n";
    struct rewritten rewritten = request(text);

    assert_text(&rewritten, text);
}

static void framing_is_written_as_parsed(void **state)
{
    struct rewritten rewritten = request("POST /a HTTP/1.1\r\nTransfer-Encoding: CHUNKED\r\nHost: a\r\nX: y\r\n\r\n");

    assert_text(&rewritten, "POST /a HTTP/1.1\r\nHost: github.com\r\nX: y\r\nTransfer-Encoding: chunked\r\n\r\n");
    rewritten = request("POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n");
    assert_text(&rewritten, "POST /a HTTP/1.1\r\nHost: github.com\r\nContent-Length: 0\r\n\r\n");
    // What Connection names is not what says where the body ends, and not the host.
    rewritten = request("POST /a HTTP/1.1\r\nHost: a\r\nConnection: content-length, host\r\n"
                        "Content-Length: 5\r\n\r\n");
    assert_text(&rewritten, "POST /a HTTP/1.1\r\nHost: github.com\r\nContent-Length: 5\r\n\r\n");
    rewritten = request("POST /a HTTP/1.0\r\nContent-Length: 5\r\n\r\n");
    assert_text(&rewritten, "POST /a HTTP/1.1\r\nHost: github.com\r\nContent-Length: 5\r\n\r\n");
}

static void the_target_is_written_without_credentials(void **state)
{
    static const struct {
        const char *target, *written;
    } cases[] = {
        {"/a?service=git-upload-pack", "/a?service=git-upload-pack"},
        {"/a?", "/a?"},
        {"/a?&b;;c=&", "/a?&b;;c=&"},
        {"/a?private_token=1&b=2", "/a?b=2"},
        {"/a?job%5Ftoken=1", "/a"},
        {"/a?x=access_token", "/a?x=access_token"},
        {"/a?my_access_token=1&access_tokens=2", "/a?my_access_token=1&access_tokens=2"},
        {"/a?%zz=1", "/a?%zz=1"},
        {"/a?access_token=x", "/a"},
        {"/a?access_token", "/a"},
        {"/a?ACCESS_TOKEN=x&b=1", "/a?b=1"},
        {"/a?b=1&access_token=x", "/a?b=1"},
        {"/a?b=1&access_token=x&c=2", "/a?b=1&c=2"},
        {"/a?b=1;access_token=x;c=2", "/a?b=1;c=2"},
        {"/a?access_token=x;b=1&c=2", "/a?b=1&c=2"},
        {"/a?client_secret=x&access_token=y", "/a"},
        {"/a?access_token=x&&b", "/a?&b"},
        {"/a?%61ccess%5Ftoken=x&b=1", "/a?b=1"},
        {"/a?access%5ftoken%3D=x", "/a?access%5ftoken%3D=x"},
        {"/a?+access_token=x", "/a"},
        {"/a?%20access_token=x", "/a"},
        {"/a?access_token[]=x", "/a"},
        {"/a?access_token%5B%5D=x", "/a"},
        {"/a?[access_token]=x", "/a"},
        {"/a?access_token=x?y=z", "/a"},
        {"https://github.com/a?b", "/a?b"},
        {"https://github.com", "/"},
        {"https://github.com?access_token=x", "/"},
    };
    char text[256], expected[256];

    for (size_t i = 0; i < GL_ARRAY_SIZE(cases); i++) {
        struct rewritten rewritten;

        (void)snprintf(text, sizeof(text), "GET %s HTTP/1.1\r\nHost: a\r\n\r\n", cases[i].target);
        (void)snprintf(expected, sizeof(expected), "GET %s HTTP/1.1\r\nHost: github.com\r\n\r\n", cases[i].written);
        rewritten = request(text);
        assert_text(&rewritten, expected);
    }
}

static void an_asterisk_is_written(void **state)
{
    struct rewritten rewritten = request("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n");

    assert_text(&rewritten, "OPTIONS * HTTP/1.1\r\nHost: github.com\r\n\r\n");
}

static void the_gateways_target_is_narrowed(void **state)
{
    struct head head =
        parse_request("GET /github.com/acme/widgets.git/info/refs?service=x HTTP/1.1\r\nHost: a\r\n\r\n");
    struct rewritten rewritten = {0};
    struct wire out = wire_of(rewritten.text, sizeof(rewritten.text) - 1);
    struct target target;

    assert_true(target_parse(head.method, head.target, &target, NULL));
    target.path = bytes_skip(target.path, strlen("/github.com"));
    assert_true(
        rewrite_request(&head, &(struct rewrite_request){.target = &target, .host = BYTES("github.com")}, &out));
    assert_text(&rewritten, "GET /acme/widgets.git/info/refs?service=x HTTP/1.1\r\nHost: github.com\r\n\r\n");
}

static void what_does_not_fit_is_told(void **state)
{
    struct head head = parse_request("PUT /a?b=c HTTP/1.1\r\nHost: a\r\nX: y\r\nContent-Length: 3\r\n\r\n");
    struct head answer = parse_response("HTTP/1.1 200 OK\r\nX: y\r\nContent-Length: 3\r\n\r\n");
    struct rewrite_request options = {.host = BYTES("b"), .authorization = BYTES("Bearer c")};
    char expected[256];
    struct wire whole = wire_of(expected, sizeof(expected));
    struct target target;

    assert_true(target_parse(head.method, head.target, &target, NULL));
    options.target = &target;
    assert_true(rewrite_request(&head, &options, &whole));
    for (size_t capacity = 0; capacity <= whole.size; capacity++) {
        char *data = malloc(capacity ? capacity : 1);
        struct wire out = wire_of(data, capacity);

        assert_int_equal(rewrite_request(&head, &options, &out), capacity == whole.size);
        assert_in_range(out.size, 0, capacity);
        free(data);
    }
    whole.size = 0;
    assert_false(rewrite_response(&answer, &(struct rewrite_response){0}, &(struct wire){0}));
}

static void what_github_answers_arrives(void **state)
{
    static const char text[] = "HTTP/1.1 200 OK\r\nServer: GitHub-Babel/3.0\r\nX-A: 1\r\nX-A: 2\r\n"
                               "Strict-Transport-Security: max-age=1\r\nLocation: https://github.com/b\r\n"
                               "Transfer-Encoding: chunked\r\n\r\n";
    struct rewritten rewritten = response(text, (struct rewrite_response){0});

    assert_text(&rewritten, text);
}

static void what_is_for_this_connection_stays_behind(void **state)
{
    static const char *const fields[] = {
        "Connection: keep-alive",    "Connection: close",         "Keep-Alive: timeout=5",
        "Connection: x-b\r\nX-B: 1", "Upgrade: h2,h2c",           "Close: reserved",
        "Trailer: X-Checksum",       "Proxy-Authenticate: Basic", "Proxy-Connection: close",
        "Alt-Svc: h3=\":443\"",      "Set-Cookie: a=b",           "Set-Cookie: a=b\r\nset-cookie: c=d",
    };
    char text[512];

    for (size_t i = 0; i < GL_ARRAY_SIZE(fields); i++) {
        struct rewritten rewritten;

        (void)snprintf(text, sizeof(text), "HTTP/1.1 200 OK\r\nX-A: 1\r\n%s\r\nContent-Length: 5\r\n\r\n", fields[i]);
        rewritten = response(text, (struct rewrite_response){0});
        assert_text(&rewritten, "HTTP/1.1 200 OK\r\nX-A: 1\r\nContent-Length: 5\r\n\r\n");
    }
}

static void the_end_of_the_connection_is_told(void **state)
{
    struct rewrite_response close = {.close = true}, keep = {0};
    struct rewritten rewritten = response("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n\r\n", close);

    assert_text(&rewritten, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
    rewritten = response("HTTP/1.1 100 Continue\r\n\r\n", close);
    assert_text(&rewritten, "HTTP/1.1 100 Continue\r\n\r\n");
    rewritten = response("HTTP/1.1 204\r\nContent-Length: 0\r\n\r\n", keep);
    assert_text(&rewritten, "HTTP/1.1 204 \r\n\r\n");
    rewritten = response("HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n", keep);
    assert_text(&rewritten, "HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n");
}

static void an_old_client_gets_no_chunks(void **state)
{
    static const char chunked_text[] = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    struct head chunked = parse_response(chunked_text);
    struct head sized = parse_response("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n");
    struct head old = parse_request("GET / HTTP/1.0\r\n\r\n");
    struct head new = parse_request("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    struct rewrite_response options = {.dechunk = true, .close = true};
    struct rewritten rewritten = response(chunked_text, options);

    assert_true(rewrite_must_dechunk(&chunked, &old));
    assert_false(rewrite_must_dechunk(&sized, &old));
    assert_false(rewrite_must_dechunk(&chunked, &new));
    assert_text(&rewritten, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
}

static bool serves_github(const void *arg, const struct host_name *host, uint16_t port)
{
    return port == 443 && bytes_equal(host_name_bytes(host), *(const struct bytes *)arg);
}

static void the_gateway_keeps_whom_it_serves(void **state)
{
    static const struct {
        const char *location, *written;
    } cases[] = {
        {"https://github.com/acme/new.git?a#b", "http://gw:1/github.com/acme/new.git?a#b"},
        {"HTTPS://GitHub.com:443/a", "http://gw:1/github.com/a"},
        {"https://github.com./a", "http://gw:1/github.com/a"},
        {"http://github.com/a", "http://gw:1/github.com/a"},
        {"//github.com/a", "http://gw:1/github.com/a"},
        {"https://github.com", "http://gw:1/github.com"},
        {"https://github.com?a", "http://gw:1/github.com?a"},
        {"/acme/new", "http://gw:1/github.com/acme/new"},
        {"new", "new"},
        {"", ""},
        {"https://github.com:8443/a", "https://github.com:8443/a"},
        {"http://github.com:443/a", "http://github.com:443/a"},
        {"https://codeload.github.com/a", "https://codeload.github.com/a"},
        {"https://github.com@evil.example/a", "https://github.com@evil.example/a"},
        {"https://github.com.evil.example/a", "https://github.com.evil.example/a"},
        {"//evil.example/a", "//evil.example/a"},
        {"https:///a", "https:///a"},
    };
    struct bytes served = BYTES("github.com");
    struct rewrite_response options = {
        .gateway = BYTES("http://gw:1"), .host = BYTES("github.com"), .serves = serves_github, .serves_arg = &served};
    char text[256], expected[256];

    for (size_t i = 0; i < GL_ARRAY_SIZE(cases); i++) {
        struct rewritten rewritten;

        (void)snprintf(text, sizeof(text),
                       "HTTP/1.1 301 Moved\r\nStrict-Transport-Security: max-age=1\r\nLocation: %s\r\n\r\n",
                       cases[i].location);
        (void)snprintf(expected, sizeof(expected), "HTTP/1.1 301 Moved\r\nLocation: %s\r\n\r\n", cases[i].written);
        rewritten = response(text, options);
        assert_text(&rewritten, expected);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_git_sends_arrives),
        cmocka_unit_test(what_is_not_githubs_stays_behind),
        cmocka_unit_test(other_fields_arrive),
        cmocka_unit_test(framing_is_written_as_parsed),
        cmocka_unit_test(the_target_is_written_without_credentials),
        cmocka_unit_test(an_asterisk_is_written),
        cmocka_unit_test(the_gateways_target_is_narrowed),
        cmocka_unit_test(what_does_not_fit_is_told),
        cmocka_unit_test(what_github_answers_arrives),
        cmocka_unit_test(what_is_for_this_connection_stays_behind),
        cmocka_unit_test(the_end_of_the_connection_is_told),
        cmocka_unit_test(an_old_client_gets_no_chunks),
        cmocka_unit_test(the_gateway_keeps_whom_it_serves),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
