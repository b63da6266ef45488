#include "quantity.h"

#include "cmocka_unit.h"

static void test_duration(void **state)
{
    static const struct {
        const char *text;
        int64_t ms;
    } good[] = {{"0s", 0}, {"30s", 30000}, {"10m", 600000}, {"1h", 3600000}, {"090s", 90000}, {"8760h", 31536000000}};
    static const char *const bad[] = {
        "",          "s",   "1",    "1ms",   "1S",    "1 s", " 1s",  "1s ",
        "+1s",       "-1s", "1.5h", "1h30m", "8761h", "1d",  "0x1s", "9999999999999999999999s",
        "1\xc2\xb5s"};
    int64_t ms = -1;

    for (size_t i = 0; i < GL_ARRAY_SIZE(good); i++) {
        assert_true(quantity_duration(bytes_of_string(good[i].text), &ms));
        assert_int_equal(ms, good[i].ms);
    }
    ms = -1;
    for (size_t i = 0; i < GL_ARRAY_SIZE(bad); i++)
        assert_false(quantity_duration(bytes_of_string(bad[i]), &ms));
    assert_int_equal(ms, -1);
}

static void test_size(void **state)
{
    static const char *const bad[] = {"1", "1B", "1K", "1kib", "1KB", "1 KiB", "-1KiB", "9007199254740993KiB"};
    uint64_t bytes;

    assert_true(quantity_size(BYTES("64KiB"), &bytes));
    assert_int_equal(bytes, 65536);
    assert_true(quantity_size(BYTES("2GiB"), &bytes));
    assert_int_equal(bytes, UINT64_C(1) << 31);
    assert_true(quantity_size(BYTES("8388608GiB"), &bytes));
    assert_int_equal(bytes, UINT64_C(1) << 53);
    for (size_t i = 0; i < GL_ARRAY_SIZE(bad); i++)
        assert_false(quantity_size(bytes_of_string(bad[i]), &bytes));
}

static void test_format(void **state)
{
    char text[QUANTITY_TEXT_SIZE];

    quantity_format_duration(0, text);
    assert_string_equal(text, "0s");
    quantity_format_duration(90000, text);
    assert_string_equal(text, "90s");
    quantity_format_duration(24 * 3600 * 1000, text);
    assert_string_equal(text, "24h");
    quantity_format_size(65536, text);
    assert_string_equal(text, "64KiB");
    quantity_format_size(UINT64_C(3) << 20, text);
    assert_string_equal(text, "3MiB");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_duration),
        cmocka_unit_test(test_size),
        cmocka_unit_test(test_format),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
