#include "address.h"

#include "cmocka_unit.h"

static void each_address_has_its_kind(void **state)
{
    static const struct {
        const char *text;
        enum address_kind kind;
    } cases[] = {
        {"140.82.121.3", ADDRESS_PUBLIC},
        {"2606:50c0:8000::153", ADDRESS_PUBLIC},
        {"127.0.0.1", ADDRESS_LOOPBACK},
        {"127.255.255.254", ADDRESS_LOOPBACK},
        {"::1", ADDRESS_LOOPBACK},
        {"0.0.0.0", ADDRESS_UNSPECIFIED},
        {"0.1.2.3", ADDRESS_UNSPECIFIED},
        {"::", ADDRESS_UNSPECIFIED},
        {"169.254.1.1", ADDRESS_LINK_LOCAL},
        {"169.254.169.254", ADDRESS_LINK_LOCAL},
        {"fe80::1", ADDRESS_LINK_LOCAL},
        {"febf::1", ADDRESS_LINK_LOCAL},
        {"fd00:ec2::254", ADDRESS_METADATA},
        {"fd00:ec2::23", ADDRESS_METADATA},
        {"fd20:ce::254", ADDRESS_METADATA},
        {"fd00:a9fe:a9fe::1", ADDRESS_METADATA},
        {"fd00:a9fe:a9ff::1", ADDRESS_PRIVATE},
        {"fd00:42::42", ADDRESS_METADATA},
        {"100.100.100.200", ADDRESS_METADATA},
        {"168.63.129.16", ADDRESS_METADATA},
        {"192.0.0.192", ADDRESS_METADATA},
        {"10.1.2.3", ADDRESS_PRIVATE},
        {"172.16.0.1", ADDRESS_PRIVATE},
        {"172.31.255.255", ADDRESS_PRIVATE},
        {"172.32.0.1", ADDRESS_PUBLIC},
        {"172.15.0.1", ADDRESS_PUBLIC},
        {"192.168.0.1", ADDRESS_PRIVATE},
        {"100.64.0.1", ADDRESS_PRIVATE},
        {"100.128.0.1", ADDRESS_PUBLIC},
        {"fc00::1", ADDRESS_PRIVATE},
        {"fdff::1", ADDRESS_PRIVATE},
        {"224.0.0.1", ADDRESS_OTHER},
        {"255.255.255.255", ADDRESS_OTHER},
        {"ff02::1", ADDRESS_OTHER},
        {"100::1", ADDRESS_OTHER},
        // an IPv4 address inside an IPv6 one
        {"::ffff:127.0.0.1", ADDRESS_LOOPBACK},
        {"::ffff:169.254.169.254", ADDRESS_LINK_LOCAL},
        {"::ffff:140.82.121.3", ADDRESS_PUBLIC},
        {"::ffff:0:127.0.0.1", ADDRESS_LOOPBACK},
        {"::127.0.0.1", ADDRESS_LOOPBACK},
        {"::10.0.0.1", ADDRESS_PRIVATE},
        {"64:ff9b::7f00:1", ADDRESS_LOOPBACK},
        {"64:ff9b::a9fe:a9fe", ADDRESS_LINK_LOCAL},
        {"64:ff9b:1::7f00:1", ADDRESS_LOOPBACK},
        {"2002:7f00:1::", ADDRESS_LOOPBACK},
        {"2002:a00:1::1", ADDRESS_PRIVATE},
        {"2001:0:4136:e378:8000:63bf:80ff:fffe", ADDRESS_LOOPBACK}, // Teredo of 127.0.0.1
    };

    for (size_t i = 0; i < GL_ARRAY_SIZE(cases); i++) {
        struct address address;

        assert_true(address_parse(bytes_of_string(cases[i].text), 443, &address));
        if (address_kind(&address) != cases[i].kind)
            fail_msg("%s is of kind %d", cases[i].text, address_kind(&address));
    }
}

static void only_standard_forms_are_read(void **state)
{
    static const char *const bad[] = {"",         "127.1",      "0x7f.0.0.1", "2130706433", "1.2.3.4.5", "256.1.1.1",
                                      "1.2.3.4 ", "fe80::1%lo", "[::1",       "::1]",       "github.com"};
    struct address address;

    for (size_t i = 0; i < GL_ARRAY_SIZE(bad); i++)
        if (address_parse(bytes_of_string(bad[i]), 1, &address))
            fail_msg("%s was taken for an address", bad[i]);
}

static void an_address_is_written_as_it_is_dialled(void **state)
{
    char text[ADDRESS_TEXT_SIZE];
    struct address address;

    assert_true(address_parse(BYTES("[2001:db8::1]"), 65535, &address));
    address_format(&address, text);
    assert_string_equal(text, "[2001:db8::1]:65535");
    assert_true(address_parse(BYTES("10.0.0.1"), 80, &address));
    address_set_port(&address, 8080);
    address_format(&address, text);
    assert_string_equal(text, "10.0.0.1:8080");
    assert_int_equal(address_port(&address), 8080);
}

static void a_mapped_address_is_the_same_host(void **state)
{
    struct address plain, mapped, other;

    assert_true(address_parse(BYTES("10.0.0.1"), 1, &plain));
    assert_true(address_parse(BYTES("::ffff:10.0.0.1"), 2, &mapped));
    assert_true(address_parse(BYTES("::10.0.0.1"), 2, &other));
    assert_true(address_same_host(&plain, &mapped));
    assert_false(address_same_host(&plain, &other));
}

static void networks_hold_their_addresses(void **state)
{
    static const struct {
        const char *address, *network;
        bool in;
    } cases[] = {
        {"10.1.2.3", "10.0.0.0/8", true},    {"11.1.2.3", "10.0.0.0/8", false}, {"10.1.2.3", "10.1.2.3/32", true},
        {"10.1.2.4", "10.1.2.3/32", false},  {"10.1.2.3", "0.0.0.0/0", true},   {"fd00::1", "fd00::/8", true},
        {"fe80::1", "fd00::/8", false},      {"10.1.2.3", "::/0", false},       {"10.1.2.3", "10.0.0.0/33", false},
        {"10.1.2.3", "10.0.0.0/", false},    {"10.1.2.3", "10.0.0.0/x", false}, {"10.1.2.3", "x/8", false},
        {"10.1.2.3", "10.0.0.0/999", false},
    };

    for (size_t i = 0; i < GL_ARRAY_SIZE(cases); i++) {
        struct address address;

        assert_true(address_parse(bytes_of_string(cases[i].address), 0, &address));
        if (address_in_network(&address, bytes_of_string(cases[i].network)) != cases[i].in)
            fail_msg("%s in %s", cases[i].address, cases[i].network);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(networks_hold_their_addresses),     cmocka_unit_test(each_address_has_its_kind),
        cmocka_unit_test(only_standard_forms_are_read),      cmocka_unit_test(an_address_is_written_as_it_is_dialled),
        cmocka_unit_test(a_mapped_address_is_the_same_host),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
