#include "budget.h"

#include "cmocka_unit.h"

static void shares_come_from_one_budget(void **state)
{
    struct budget_share a = {0}, b = {0}, c = {0};

    budget_set(100 * KIB);
    assert_true(budget_hold(&a, BUDGET_LEAST)); // beside the budget
    assert_int_equal(budget_used(), 0);
    assert_true(budget_hold(&a, 60 * KIB));
    assert_true(budget_hold(&b, BUDGET_LEAST + 40 * KIB));
    assert_int_equal(budget_used(), 100 * KIB);
    assert_false(budget_hold(&a, 1));
    assert_false(budget_hold(&c, BUDGET_LEAST + 1));
    assert_int_equal(c.size, 0);
    assert_true(budget_hold(&c, BUDGET_LEAST));
    budget_keep(&a, BUDGET_LEAST + 10 * KIB);
    assert_int_equal(budget_used(), 50 * KIB);
    budget_keep(&a, a.size + 1); // not more than it holds
    assert_int_equal(budget_used(), 50 * KIB);
    assert_true(budget_hold(&c, 50 * KIB));
    budget_keep(&a, 0);
    budget_keep(&b, 0);
    budget_keep(&c, 0);
    assert_int_equal(budget_used(), 0);
}

static void a_lower_limit_takes_nothing_away(void **state)
{
    struct budget_share a = {0};

    budget_set(1 * MIB);
    assert_true(budget_hold(&a, 1 * MIB));
    budget_set(100 * KIB);
    assert_false(budget_hold(&a, 1));
    budget_keep(&a, BUDGET_LEAST + 99 * KIB);
    assert_true(budget_hold(&a, 1 * KIB));
    budget_keep(&a, 0);
    assert_int_equal(budget_used(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shares_come_from_one_budget),
        cmocka_unit_test(a_lower_limit_takes_nothing_away),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
