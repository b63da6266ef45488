// What a proxy is asked and answers.
#include "proxy_tunnel.h"

#include "cmocka_unit.h"

static void the_request_names_the_host_and_port(void **state)
{
    char data[512];
    struct wire wire = wire_of(data, sizeof(data));

    proxy_tunnel_ask(&wire, "github.com", 443, BYTES(""));
    assert_int_equal(wire.size, strlen("CONNECT github.com:443 HTTP/1.1\r\nHost: github.com:443\r\n\r\n"));
    assert_memory_equal(data, "CONNECT github.com:443 HTTP/1.1\r\nHost: github.com:443\r\n\r\n", wire.size);
    wire = wire_of(data, sizeof(data));
    proxy_tunnel_ask(&wire, "2001:db8::1", 8443, BYTES("Basic YTpi"));
    data[wire.size] = '\0';
    assert_string_equal(data, "CONNECT [2001:db8::1]:8443 HTTP/1.1\r\nHost: [2001:db8::1]:8443\r\n"
                              "Proxy-Authorization: Basic YTpi\r\n\r\n");
}

static void read_as(const char *text, enum proxy_tunnel_result wanted, int status)
{
    struct proxy_tunnel_answer answer = {0};
    size_t size = strlen(text);

    for (size_t cut = 0; cut < size; cut++)
        assert_int_equal(proxy_tunnel_read(bytes_of(text, cut), &answer), PROXY_TUNNEL_MORE);
    assert_int_equal(proxy_tunnel_read(bytes_of(text, size), &answer), wanted);
    assert_int_equal(answer.status, status);
    assert_int_equal(answer.size, size);
}

// RFC 9110, 9.3.6; white space before a colon, bare LF and no reason phrase are seen in the field.
static void fields_of_an_answer_do_not_count(void **state)
{
    read_as("HTTP/1.1 200 Connection established\r\n\r\n", PROXY_TUNNEL_OPEN, 200);
    read_as("HTTP/1.0 200\r\n\r\n", PROXY_TUNNEL_OPEN, 200);
    read_as("HTTP/1.1 200 OK\r\nContent-Length: 10\r\nTransfer-Encoding: chunked\r\n\r\n", PROXY_TUNNEL_OPEN, 200);
    read_as("HTTP/1.1 200 OK\nProxy-Agent : Corp Gateway\nX\n\n", PROXY_TUNNEL_OPEN, 200);
    read_as("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", PROXY_TUNNEL_OPEN, 200);
    read_as("HTTP/1.1 503 No way\r\nContent-Length: 10\r\n\r\n", PROXY_TUNNEL_REFUSED, 503);
}

static void what_follows_is_the_tunnel_s(void **state)
{
    struct proxy_tunnel_answer answer;
    static const char text[] = "HTTP/1.1 200 OK\r\n\r\nSSH-2.0-x\r\n\r\n";

    assert_int_equal(proxy_tunnel_read(BYTES("HTTP/1.1 200 OK\r\n\r\nSSH-2.0-x\r\n\r\n"), &answer), PROXY_TUNNEL_OPEN);
    assert_string_equal(text + answer.size, "SSH-2.0-x\r\n\r\n");
}

static void what_is_no_http_is_refused(void **state)
{
    struct proxy_tunnel_answer answer;
    static char filler[PROXY_TUNNEL_HEAD_MAX + 20] = "HTTP/1.1 200 OK\r\nX: ";

    assert_int_equal(proxy_tunnel_read(BYTES("SSH-2.0-OpenSSH\r\n"), &answer), PROXY_TUNNEL_BAD);
    assert_int_equal(proxy_tunnel_read(BYTES("HTTP/1.1 2000\r\n\r\n"), &answer), PROXY_TUNNEL_BAD);
    assert_int_equal(proxy_tunnel_read(BYTES("HTTP/1.1 20\r\n\r\n"), &answer), PROXY_TUNNEL_BAD);
    assert_int_equal(proxy_tunnel_read(BYTES("HTTP/2 200\r\n\r\n"), &answer), PROXY_TUNNEL_BAD);
    memset(filler + 20, 'x', sizeof(filler) - 20);
    assert_int_equal(proxy_tunnel_read(bytes_of(filler, sizeof(filler)), &answer), PROXY_TUNNEL_BAD);
}

static void expect_reason(const char *text, bool has_password, const char *wanted)
{
    struct proxy_tunnel_answer answer = {0};
    char reason[PROXY_TUNNEL_REASON_SIZE];

    assert_int_equal(proxy_tunnel_read(bytes_of_string(text), &answer), PROXY_TUNNEL_REFUSED);
    proxy_tunnel_reason(&answer, has_password, reason);
    if (!strstr(reason, wanted))
        fail_msg("\"%s\" does not say \"%s\"", reason, wanted);
}

static void a_refusal_says_what_mends_it(void **state)
{
    expect_reason("HTTP/1.1 407 No\r\nProxy-Authenticate: Basic realm=\"corp\"\r\n\r\n", false,
                  "upstream.password_file");
    expect_reason("HTTP/1.1 407 No\r\nProxy-Authenticate: Negotiate\r\nProxy-Authenticate: basic realm=x\r\n\r\n", true,
                  "refuses the user");
    expect_reason("HTTP/1.1 407 No\r\nProxy-Authenticate: NTLM\r\nProxy-Authenticate: Negotiate\r\n\r\n", true,
                  "takes NTLM alone");
    expect_reason("HTTP/1.1 407 No\r\nproxy-authenticate : \x1b[2Jevil\r\n\r\n", false, "upstream.password_file");
    expect_reason("HTTP/1.1 403 Forbidden\r\n\r\n", false, "403");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_request_names_the_host_and_port), cmocka_unit_test(fields_of_an_answer_do_not_count),
        cmocka_unit_test(what_follows_is_the_tunnel_s),        cmocka_unit_test(what_is_no_http_is_refused),
        cmocka_unit_test(a_refusal_says_what_mends_it),
    };

    return cmocka_run_group_tests_name("proxy_tunnel", tests, NULL, NULL);
}
