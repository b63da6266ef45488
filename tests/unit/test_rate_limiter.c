#include "rate_limiter.h"

#include "cmocka_unit.h"
#include "virtual_loop.h"

static struct clock_manual clock_now;
static struct loop *loop;
static struct rate_limiter *limiter;

static int set_up(void **state)
{
    clock_manual_init(&clock_now, (struct wall){0});
    loop = loop_new(&clock_now.clock);
    limiter = rate_limiter_new(loop, (struct pace_rate){.interval_ms = 1500, .burst = 2}, 3);
    return 0;
}

static int tear_down(void **state)
{
    rate_limiter_free(limiter);
    loop_free(loop);
    return 0;
}

static void test_each_name_has_its_own(void **state)
{
    assert_true(rate_limiter_take(limiter, "a"));
    assert_true(rate_limiter_take(limiter, "a"));
    assert_false(rate_limiter_take(limiter, "a"));
    assert_int_equal(rate_limiter_wait_s(limiter, "a"), 2); // rounded up
    assert_int_equal(rate_limiter_wait_s(limiter, "b"), 0);
    assert_true(rate_limiter_take(limiter, "b"));
    clock_manual_advance(&clock_now, 1500);
    assert_true(rate_limiter_take(limiter, "a"));
    assert_false(rate_limiter_take(limiter, "a"));
}

// Names have an end: the one seen longest ago goes, and who is limited now is not it.
static void test_bounded(void **state)
{
    assert_true(rate_limiter_take(limiter, "old"));
    for (int i = 0; i < 2; i++)
        assert_true(rate_limiter_take(limiter, "busy"));
    assert_true(rate_limiter_take(limiter, "c"));
    assert_false(rate_limiter_take(limiter, "busy"));
    assert_true(rate_limiter_take(limiter, "d"));
    assert_true(rate_limiter_take(limiter, "e"));
    assert_false(rate_limiter_take(limiter, "busy"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_each_name_has_its_own, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_bounded, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
