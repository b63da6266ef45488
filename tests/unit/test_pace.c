#include "pace.h"

#include "cmocka_unit.h"

static const struct pace_rate rate = {.interval_ms = 100, .burst = 3};

static struct mono at(int64_t ms)
{
    return (struct mono){ms};
}

static void test_burst_then_interval(void **state)
{
    struct pace pace = {0};

    for (int i = 0; i < 3; i++)
        assert_true(pace_take(&pace, &rate, at(1000)));
    assert_false(pace_take(&pace, &rate, at(1000)));
    assert_int_equal(pace_wait_ms(&pace, &rate, at(1000)), 100);
    assert_false(pace_take(&pace, &rate, at(1099)));
    assert_true(pace_take(&pace, &rate, at(1100)));
    assert_false(pace_take(&pace, &rate, at(1100)));
}

// What was not used comes back, and no more than the burst.
static void test_rest_restores_the_burst(void **state)
{
    struct pace pace = {0};

    for (int i = 0; i < 3; i++)
        assert_true(pace_take(&pace, &rate, at(0)));
    for (int i = 0; i < 3; i++)
        assert_true(pace_take(&pace, &rate, at(10000)));
    assert_false(pace_take(&pace, &rate, at(10000)));
}

// Over a long time a greedy caller gets the rate and the burst, and not one more.
static void test_never_more_than_the_rate(void **state)
{
    struct pace pace = {0};
    int taken = 0;

    for (int64_t ms = 0; ms <= 60000; ms++)
        taken += pace_take(&pace, &rate, at(ms));
    assert_int_equal(taken, 3 + 600);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_burst_then_interval),
        cmocka_unit_test(test_rest_restores_the_burst),
        cmocka_unit_test(test_never_more_than_the_rate),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
