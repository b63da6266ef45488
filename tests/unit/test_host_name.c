#include "host_name.h"

#include <gitlatch/attr.h>

#include "cmocka_unit.h"

#define LABEL_63 "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz01234567890"
#define LABEL_61 "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz012345678"
#define NAME_253 LABEL_63 "." LABEL_63 "." LABEL_63 "." LABEL_61

static void hosts_are_made_normal(void **state)
{
    static const struct {
        const char *text;
        enum host_kind kind;
        const char *normal;
    } cases[] = {
        {"github.com", HOST_NAME, "github.com"},
        {"GitHub.COM", HOST_NAME, "github.com"},
        {"github.com.", HOST_NAME, "github.com"},
        {"localhost", HOST_NAME, "localhost"},
        {"a", HOST_NAME, "a"},
        {"my_host-1.example", HOST_NAME, "my_host-1.example"},
        {"_dmarc.example", HOST_NAME, "_dmarc.example"},
        {"xn--bcher-kva.example", HOST_NAME, "xn--bcher-kva.example"},
        {"1.example", HOST_NAME, "1.example"},
        {"0x7f.example", HOST_NAME, "0x7f.example"},
        {"0xfg", HOST_NAME, "0xfg"},
        {"x0", HOST_NAME, "x0"},
        {NAME_253, HOST_NAME, NAME_253},
        {NAME_253 ".", HOST_NAME, NAME_253},
        {"127.0.0.1", HOST_IPV4, "127.0.0.1"},
        {"127.0.0.1.", HOST_IPV4, "127.0.0.1"},
        {"255.255.255.255", HOST_IPV4, "255.255.255.255"},
        {"[::1]", HOST_IPV6, "::1"},
        {"[2001:DB8:0:0:0:0:0:1]", HOST_IPV6, "2001:db8::1"},
        {"[::ffff:127.0.0.1]", HOST_IPV6, "::ffff:127.0.0.1"},
        {"[::FFFF:7f00:1]", HOST_IPV6, "::ffff:127.0.0.1"},
    };

    for (size_t i = 0; i < GL_ARRAY_SIZE(cases); i++) {
        struct host_name host;

        if (!host_name_parse(bytes_of_string(cases[i].text), &host))
            fail_msg("%s: refused", cases[i].text);
        assert_string_equal(host.text, cases[i].normal);
        assert_int_equal(host.size, strlen(cases[i].normal));
        assert_int_equal(host.kind, cases[i].kind);
    }
}

static void malformed_hosts_are_refused(void **state)
{
    static const struct bytes cases[] = {
        BYTES(""),
        BYTES("."),
        BYTES(".."),
        BYTES("github.com.."),
        BYTES(".github.com"),
        BYTES("github..com"),
        BYTES("git hub.com"),
        BYTES(" github.com"),
        BYTES("github.com\t"),
        BYTES("github.com\0"),
        BYTES("git\0hub.com"),
        BYTES("github%2ecom"),
        BYTES("github.com%00"),
        BYTES("-github.com"),
        BYTES("github-.com"),
        BYTES("b\xc3\xbc"
              "cher.example"),
        BYTES("github\xe3\x80\x82"
              "com"),
        BYTES("user@github.com"),
        BYTES("github.com:443"),
        BYTES("github.com/"),
        BYTES("github,com"),
        BYTES("*.github.com"),
        BYTES(LABEL_63 "x.example"),
        BYTES("a." NAME_253),
        // forms that some resolver takes for an IPv4 address
        BYTES("127.1"),
        BYTES("127.0.1"),
        BYTES("127"),
        BYTES("2130706433"),
        BYTES("0"),
        BYTES("0x7f.1"),
        BYTES("0x7f000001"),
        BYTES("0X7F.0.0.1"),
        BYTES("127.0.0.0x1"),
        BYTES("0x"),
        BYTES("017700000001"),
        BYTES("0177.0.0.1"),
        BYTES("127.0.0.01"),
        BYTES("127.0.0.1.1"),
        BYTES("256.0.0.1"),
        BYTES("127.0.0.256"),
        BYTES("1.2.3.4.5"),
        BYTES("example.1"),
        BYTES("127.0.0.1.."),
        BYTES("2130706433."),
        // IPv6
        BYTES("::1"),
        BYTES("[]"),
        BYTES("["),
        BYTES("[::1"),
        BYTES("::1]"),
        BYTES("[[::1]]"),
        BYTES("[::1]."),
        BYTES("[::1%25lo]"),
        BYTES("[fe80::1%eth0]"),
        BYTES("[1:2:3:4:5:6:7]"),
        BYTES("[::1::]"),
        BYTES("[127.0.0.1]"),
        BYTES("[v1.x]"),
        BYTES("[::1\0]"),
        BYTES("[0000:0000:0000:0000:0000:0000:0000:0000:0000:0000]"),
    };
    struct host_name host;

    for (size_t i = 0; i < GL_ARRAY_SIZE(cases); i++) {
        if (host_name_parse(cases[i], &host))
            fail_msg("%.*s: taken for %s", (int)cases[i].size, cases[i].data, host.text);
    }
}

static void authorities_are_taken_apart(void **state)
{
    static const struct {
        const char *text;
        uint16_t default_port;
        const char *host;
        uint16_t port;
    } cases[] = {
        {"github.com:443", 0, "github.com", 443},
        {"github.com", 443, "github.com", 443},
        {"github.com:8443", 443, "github.com", 8443},
        {"GitHub.com.:443", 0, "github.com", 443},
        {"127.0.0.1:1", 0, "127.0.0.1", 1},
        {"[::1]:65535", 0, "::1", 65535},
        {"[::1]", 80, "::1", 80},
    };

    for (size_t i = 0; i < GL_ARRAY_SIZE(cases); i++) {
        struct host_name host;
        uint16_t port;

        if (!host_name_parse_authority(bytes_of_string(cases[i].text), cases[i].default_port, &host, &port))
            fail_msg("%s: refused", cases[i].text);
        assert_string_equal(host.text, cases[i].host);
        assert_int_equal(port, cases[i].port);
    }
}

static void malformed_authorities_are_refused(void **state)
{
    static const char *const cases[] = {
        "",
        ":443",
        "github.com:",
        "github.com:0",
        "github.com:0443",
        "github.com:65536",
        "github.com:99999",
        "github.com:100000",
        "github.com:-1",
        "github.com:+443",
        "github.com:443 ",
        "github.com: 443",
        "github.com:44a",
        "github.com:443:443",
        "github.com:443@evil.example",
        "user@github.com",
        "user:password@github.com",
        "::1",
        "::1:443",
        "[::1",
        "[::1]443",
        "[::1]x:443",
        "[::1]]:443",
        "]:443",
        "a,b",
        "a b",
    };
    struct host_name host;
    uint16_t port;

    for (size_t i = 0; i < GL_ARRAY_SIZE(cases); i++) {
        if (host_name_parse_authority(bytes_of_string(cases[i]), 443, &host, &port))
            fail_msg("%s: taken for %s:%d", cases[i], host.text, port);
    }
    assert_false(host_name_parse_authority(BYTES("github.com"), 0, &host, &port));
    assert_false(host_name_parse_authority(BYTES("[::1]"), 0, &host, &port));
}

static void equality_is_of_what_is_normal(void **state)
{
    struct host_name a, b;

    assert_true(host_name_parse(BYTES("GitHub.com"), &a) && host_name_parse(BYTES("github.com."), &b));
    assert_true(host_name_equal(&a, &b));
    assert_true(host_name_parse(BYTES("github.co"), &b));
    assert_false(host_name_equal(&a, &b));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hosts_are_made_normal),         cmocka_unit_test(malformed_hosts_are_refused),
        cmocka_unit_test(authorities_are_taken_apart),   cmocka_unit_test(malformed_authorities_are_refused),
        cmocka_unit_test(equality_is_of_what_is_normal),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
