#include "clock_manual.h"

#include "cmocka_unit.h"

static void real_clocks_go_on(void **state)
{
    struct mono mono = clock_mono(clock_real());

    assert_true(clock_mono(clock_real()).ms >= mono.ms);
    assert_true(clock_wall(clock_real()).ms > INT64_C(1700000000000)); // 2023
}

static void manual_clock_goes_where_told(void **state)
{
    struct clock_manual manual;

    clock_manual_init(&manual, (struct wall){1000});
    clock_manual_advance(&manual, 50);
    assert_int_equal(clock_mono(&manual.clock).ms, 50);
    assert_int_equal(clock_wall(&manual.clock).ms, 1050);
    clock_manual_set_wall(&manual, (struct wall){7});
    assert_int_equal(clock_mono(&manual.clock).ms, 50);
    assert_int_equal(clock_wall(&manual.clock).ms, 7);
}

static void rfc3339_is_written(void **state)
{
    static const struct {
        int64_t ms;
        const char *seconds, *milliseconds;
    } cases[] = {
        {0, "1970-01-01T00:00:00Z", "1970-01-01T00:00:00.000Z"},
        {-1, "1969-12-31T23:59:59Z", "1969-12-31T23:59:59.999Z"},
        {INT64_C(1709210096789), "2024-02-29T12:34:56Z", "2024-02-29T12:34:56.789Z"},
        {INT64_MAX, "9999-12-31T23:59:59Z", "9999-12-31T23:59:59.999Z"},
        {INT64_MIN, "0000-01-01T00:00:00Z", "0000-01-01T00:00:00.000Z"},
    };

    for (size_t i = 0; i < GL_ARRAY_SIZE(cases); i++) {
        char text[WALL_TEXT_SIZE];

        wall_format_rfc3339((struct wall){cases[i].ms}, WALL_SECONDS, text);
        assert_string_equal(text, cases[i].seconds);
        wall_format_rfc3339((struct wall){cases[i].ms}, WALL_MILLISECONDS, text);
        assert_string_equal(text, cases[i].milliseconds);
    }
}

static void rfc3339_is_read(void **state)
{
    static const struct {
        const char *text;
        int64_t ms;
    } cases[] = {
        {"1970-01-01T00:00:00Z", 0},
        {"2024-02-29T12:34:56Z", INT64_C(1709210096000)},
        {"2024-02-29T12:34:56.7Z", INT64_C(1709210096700)},
        {"2024-02-29T12:34:56.789999Z", INT64_C(1709210096789)},
        {"2024-02-29T14:04:56+01:30", INT64_C(1709210096000)},
        {"2024-02-29t04:34:56-08:00", INT64_C(1709210096000)},
        {"2016-12-31T23:59:60Z", INT64_C(1483228799000)},
    };
    static const char *const bad[] = {
        "",
        "2024",
        "2024-02-30T12:34:56Z",
        "2023-02-29T12:34:56Z",
        "2024-13-01T12:34:56Z",
        "2024-00-01T12:34:56Z",
        "2024-01-00T12:34:56Z",
        "2024-01-01T24:00:00Z",
        "2024-01-01T12:60:00Z",
        "2024-01-01T12:00:00",
        "2024-01-01T12:00:00.Z",
        "2024-01-01T12:00:00Zx",
        "2024-01-01T12:00:00+24:00",
        "2024-1-01T12:00:00Z",
        "-024-01-01T12:00:00Z",
    };
    struct wall wall;

    for (size_t i = 0; i < GL_ARRAY_SIZE(cases); i++) {
        assert_true(wall_parse_rfc3339(bytes_of_string(cases[i].text), &wall));
        assert_int_equal(wall.ms, cases[i].ms);
    }
    for (size_t i = 0; i < GL_ARRAY_SIZE(bad); i++)
        assert_false(wall_parse_rfc3339(bytes_of_string(bad[i]), &wall));
    assert_false(wall_parse_rfc3339(BYTES("2024-01-01\0"
                                          "12:00:00Z"),
                                    &wall));
}

// The examples of RFC 9110, section 5.6.7.
static void http_dates_are_written(void **state)
{
    char text[WALL_HTTP_SIZE];
    struct wall wall, read;

    assert_true(wall_parse_rfc3339(BYTES("1994-11-06T08:49:37.999Z"), &wall));
    wall_format_http_date(wall, text);
    assert_string_equal(text, "Sun, 06 Nov 1994 08:49:37 GMT");
    // Each day of the week, each month.
    for (int64_t day = 0; day < 400; day++) {
        wall.ms = day * DAY_MS + 5 * SECOND_MS;
        wall_format_http_date(wall, text);
        assert_true(wall_parse_http_date(bytes_of_string(text), wall, &read));
        assert_int_equal(read.ms, wall.ms);
    }
}

static void http_dates_are_read(void **state)
{
    const struct wall now = {INT64_C(1764000000000)}; // 2025
    static const char *const good[] = {
        "Sun, 06 Nov 1994 08:49:37 GMT",
        "Sunday, 06-Nov-94 08:49:37 GMT",
        "Sun Nov  6 08:49:37 1994",
    };
    static const char *const bad[] = {
        "",
        "120",
        "Sun, 06 Nov 1994 08:49:37",
        "Sun, 06 Nov 1994 08:49:37 CET",
        "Sun, 6 Nov 1994 08:49:37 GMT",
        "Sun, 31 Nov 1994 08:49:37 GMT",
        "Sun, 06 nov 1994 08:49:37 GMT",
        "Sun Nov  6 08:49:37 1994 GMT",
    };
    struct wall wall;

    for (size_t i = 0; i < GL_ARRAY_SIZE(good); i++) {
        assert_true(wall_parse_http_date(bytes_of_string(good[i]), now, &wall));
        assert_int_equal(wall.ms, INT64_C(784111777000));
    }
    for (size_t i = 0; i < GL_ARRAY_SIZE(bad); i++)
        assert_false(wall_parse_http_date(bytes_of_string(bad[i]), now, &wall));
    assert_true(wall_parse_http_date(BYTES("Sunday, 24-Nov-75 00:00:00 GMT"), now, &wall));
    assert_int_equal(wall.ms, INT64_C(3341779200000)); // 2075: 50 years ahead are allowed
    assert_true(wall_parse_http_date(BYTES("Sunday, 24-Nov-76 00:00:00 GMT"), now, &wall));
    assert_int_equal(wall.ms, INT64_C(217641600000)); // 1976
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(real_clocks_go_on),      cmocka_unit_test(manual_clock_goes_where_told),
        cmocka_unit_test(rfc3339_is_written),     cmocka_unit_test(rfc3339_is_read),
        cmocka_unit_test(http_dates_are_written), cmocka_unit_test(http_dates_are_read),
    };

    return cmocka_run_group_tests_name("clock", tests, NULL, NULL);
}
