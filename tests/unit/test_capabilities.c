// What is a capability advertisement of protocol version 2, and what is not.
#include "capabilities.h"

#include "cmocka_unit.h"
#include "text.h"

#define VERSION "000eversion 2\n"
#define AGENT   "0015agent=git/2.47.1\n"
#define SERVICE "001e# service=git-upload-pack\n0000"
#define HEX40   "0123456789012345678901234567890123456789"

static bool check(const char *body)
{
    return capabilities_check(bytes_of_string(body));
}

static void test_advertisements(void **state)
{
    assert_true(check(VERSION AGENT "000cls-refs\n0012fetch=shallow\n0017object-format=sha1\n0000"));
    assert_true(check(SERVICE VERSION AGENT "0000"));
    assert_true(check("000dversion 20000"));
    assert_true(check(VERSION "0015server_option=a b0000"));
}

static void test_refs_are_none(void **state)
{
    assert_false(check(SERVICE "0039" HEX40 " HEAD\n0000"));
    assert_false(check(SERVICE "000eversion 1\n0039" HEX40 " HEAD\n0000"));
    assert_false(check(VERSION "0032" HEX40 " HEAD\n0000"));
    assert_false(check(VERSION "0033" HEX40 " HEAD=\n0000"));
    assert_false(check(VERSION AGENT "0000"
                                     "0032" HEX40 " HEAD\n0000"));
}

static void test_other_bodies_are_none(void **state)
{
    assert_false(check(""));
    assert_false(check("0000"));
    assert_false(check(SERVICE));
    assert_false(check("000eversion 3\n0000"));
    assert_false(check("001f# service=git-receive-pack\n0000" VERSION AGENT "0000"));
    assert_false(check("001e# service=git-upload-pack\n" VERSION "0000"));
    assert_false(check("000bERR no\n"));
    assert_false(check("<html>"));
    assert_false(check(VERSION AGENT));
    assert_false(check(VERSION AGENT "000"));
    assert_false(check(VERSION AGENT "0001"));
    assert_false(check(VERSION AGENT "0000 "));
    assert_false(check(VERSION "0005\n0000"));
    assert_false(check(VERSION "0009=abc\n0000"));
    assert_false(check(VERSION "0007a=\x1b"
                               "0000"));
    assert_false(check(VERSION "0003"));
    assert_false(capabilities_check(BYTES(VERSION "0007a=\0"
                                                  "0000")));
}

static void test_the_largest(void **state)
{
    // 64 bytes, as the others have together.
    static const char packet[] = "0040key=56789012345678901234567890123456789012345678901234567890";
    struct text body = {0};

    text_append(&body, VERSION "002ekey=56789012345678901234567890123456789012");
    while (body.size < CAPABILITIES_SIZE_MAX - 4)
        text_append(&body, packet);
    text_append(&body, "0000");
    assert_int_equal(body.size, CAPABILITIES_SIZE_MAX);
    assert_true(capabilities_check(text_bytes(&body)));
    body.size -= 4;
    text_append(&body, "0005a0000");
    assert_false(capabilities_check(text_bytes(&body)));
    text_free(&body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_advertisements),
        cmocka_unit_test(test_refs_are_none),
        cmocka_unit_test(test_other_bodies_are_none),
        cmocka_unit_test(test_the_largest),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
