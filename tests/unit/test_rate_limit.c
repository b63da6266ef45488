#include "rate_limit.h"

#include "cmocka_unit.h"

#define LOCAL ((struct wall){1764000000000}) // Mon, 24 Nov 2025 16:00:00 GMT
#define SOME  BYTES("some")

static void retry_after_is_read_in_both_forms(void **state)
{
    static const struct {
        struct bytes value;
        unsigned wait_s;
    } values[] = {
        {BYTES("60"), 60},
        {BYTES("0"), 0},
        {BYTES("Mon, 24 Nov 2025 16:02:00 GMT"), 120},
        {BYTES("Monday, 24-Nov-25 16:02:00 GMT"), 120},
        {BYTES("Mon Nov 24 16:02:00 2025"), 120},
        {BYTES("Mon, 24 Nov 2025 15:59:00 GMT"), 0}, // has passed
        {BYTES("99999999"), 65 * 60},
        {BYTES("-5"), 0},
        {BYTES("1.5"), 0},
        {BYTES("60 seconds"), 0},
        {BYTES("later"), 0},
        {BYTES(""), 0},
    };

    for (size_t i = 0; i < GL_ARRAY_SIZE(values); i++) {
        struct rate_limit limit = {.retry_after = values[i].value};

        assert_int_equal(rate_limit_wait_s(&limit, LOCAL), values[i].wait_s);
    }
}

static void moments_are_by_the_clock_of_the_answer(void **state)
{
    struct rate_limit limit = {.date = BYTES("Mon, 24 Nov 2025 16:01:00 GMT"),
                               .retry_after = BYTES("Mon, 24 Nov 2025 16:02:00 GMT")};

    assert_int_equal(rate_limit_wait_ms(&limit, LOCAL), 60 * SECOND_MS);
    limit.date = BYTES("yesterday");
    assert_int_equal(rate_limit_wait_ms(&limit, LOCAL), 120 * SECOND_MS);
    limit = (struct rate_limit){.remaining = BYTES("0"), .reset = BYTES("1764000300")};
    assert_int_equal(rate_limit_wait_ms(&limit, LOCAL), 300 * SECOND_MS);
    limit.remaining = BYTES("1");
    assert_int_equal(rate_limit_wait_ms(&limit, LOCAL), 0);
}

static void part_of_a_second_is_a_second(void **state)
{
    struct rate_limit limit = {.retry_after = BYTES("Mon, 24 Nov 2025 16:00:02 GMT")};

    assert_int_equal(rate_limit_wait_s(&limit, (struct wall){LOCAL.ms + 1}), 2);
}

static void a_limit_is_known_by_status_and_fields(void **state)
{
    static const struct {
        int status;
        struct rate_limit limit;
        bool reached;
    } answers[] = {
        {429, {.remaining = BYTES("7")}, true},    {403, {.remaining = BYTES("7")}, false},
        {403, {.retry_after = SOME}, true},        {403, {.remaining = BYTES("0")}, true},
        {403, {.remaining = BYTES("00")}, true},   {403, {.remaining = BYTES("12")}, false},
        {403, {.remaining = SOME}, false},         {404, {.retry_after = SOME, .remaining = BYTES("0")}, false},
        {503, {.retry_after = BYTES("5")}, false}, {200, {.remaining = BYTES("0")}, false},
    };

    for (size_t i = 0; i < GL_ARRAY_SIZE(answers); i++)
        assert_int_equal(rate_limit_is_reached(&answers[i].limit, answers[i].status), answers[i].reached);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(retry_after_is_read_in_both_forms),
        cmocka_unit_test(moments_are_by_the_clock_of_the_answer),
        cmocka_unit_test(part_of_a_second_is_a_second),
        cmocka_unit_test(a_limit_is_known_by_status_and_fields),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
