#include "text.h"

#include "cmocka_unit.h"

static void assert_json(struct bytes given, const char *expected)
{
    struct text text = {0};

    text_append_json_string(&text, given);
    assert_string_equal(text_string(&text), expected);
    text_free(&text);
}

static void pieces_come_together(void **state)
{
    struct text text = {0};

    assert_string_equal(text_string(&text), "");
    text_append(&text, "a");
    text_format(&text, "%d-%s", 12, "b");
    text_append_char(&text, '!');
    text_append_bytes(&text, bytes_of("xyz", 2));
    text_append_bytes(&text, bytes_of(NULL, 0));
    assert_string_equal(text_string(&text), "a12-b!xy");
    assert_int_equal(text_bytes(&text).size, 8);
    text_clear(&text);
    assert_string_equal(text_string(&text), "");
    text_free(&text);
}

static void what_does_not_fit_is_left_out_whole(void **state)
{
    struct text text;

    text_init(&text, 6);
    text_append(&text, "abcd");
    text_append(&text, "efg");
    assert_true(text.cut);
    text_append(&text, "h");
    text_append_json_string(&text, BYTES("x"));
    assert_string_equal(text_string(&text), "abcd");
    text_clear(&text);
    text_append(&text, "123456");
    assert_false(text.cut);
    text_clear(&text);
    text_append_json_string(&text, BYTES("a\nbc"));
    assert_true(text.cut);
    assert_string_equal(text_string(&text), "");
    text_free(&text);
}

static void numbers(void **state)
{
    struct text text = {0};

    text_append_number(&text, 0);
    text_append_char(&text, ' ');
    text_append_number(&text, 9007199254740993);
    text_append_char(&text, ' ');
    text_append_number(&text, UINT64_MAX);
    assert_string_equal(text_string(&text), "0 9007199254740993 18446744073709551615");
    text_free(&text);
}

// Where it fits as it is, where it makes the block grow, and where the limit stops it.
static void formats(void **state)
{
    char expected[1201] = "";
    struct text text;

    text_init(&text, sizeof(expected) - 1);
    for (unsigned i = 0; i < 100; i++) {
        text_format(&text, "%05u %c%s", i, 'x', "abcde");
        snprintf(expected + strlen(expected), sizeof(expected) - strlen(expected), "%05u xabcde", i);
    }
    assert_string_equal(text_string(&text), expected);
    assert_false(text.cut);
    text_format(&text, "%d", 1);
    assert_true(text.cut);
    assert_string_equal(text_string(&text), expected);
    text_free(&text);
}

static void json_strings(void **state)
{
    assert_json(BYTES(""), "\"\"");
    assert_json(BYTES("a\"b\\c/"), "\"a\\\"b\\\\c/\"");
    assert_json(BYTES("\b\f\n\r\t\x01\x1f\x7f"), "\"\\b\\f\\n\\r\\t\\u0001\\u001f\\u007f\"");
    assert_json(BYTES("a\0b"), "\"a\\u0000b\"");
    assert_json(BYTES("\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"), "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"");
}

// Overlong forms, surrogates, above U+10FFFF, cut sequences: each byte that starts none is one U+FFFD.
static void json_strings_of_broken_utf8(void **state)
{
#define R "\xef\xbf\xbd"
    assert_json(BYTES("\xff"), "\"" R "\"");
    assert_json(BYTES("a\xc3"), "\"a" R "\"");
    assert_json(BYTES("\xc0\xaf"), "\"" R R "\"");
    assert_json(BYTES("\xe0\x80\xaf"), "\"" R R R "\"");
    assert_json(BYTES("\xed\xa0\x80"), "\"" R R R "\"");
    assert_json(BYTES("\xf4\x90\x80\x80"), "\"" R R R R "\"");
    assert_json(BYTES("\xe2\x82z"), "\"" R R "z\"");
    assert_json(bytes_of("\xe2\x82\xac", 2), "\"" R R "\"");
#undef R
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_come_together),
        cmocka_unit_test(what_does_not_fit_is_left_out_whole),
        cmocka_unit_test(numbers),
        cmocka_unit_test(formats),
        cmocka_unit_test(json_strings),
        cmocka_unit_test(json_strings_of_broken_utf8),
    };

    return cmocka_run_group_tests_name("text", tests, NULL, NULL);
}
