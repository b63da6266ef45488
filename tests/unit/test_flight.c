#include "flight.h"

#include "cmocka_unit.h"
#include "virtual_loop.h"

struct asker {
    struct flight_waiter waiter; // first
    int answer;
    unsigned calls;
};

static char order[16];

static void deliver(void *arg)
{
    struct asker *asker = arg;

    asker->calls++;
    order[strlen(order)] = (char)('0' + asker->answer);
}

struct fixture {
    struct clock_manual manual;
    struct loop *loop;
    struct flight flight;
    struct asker askers[3];
};

static void begin(struct fixture *fixture)
{
    *fixture = (struct fixture){0};
    memset(order, 0, sizeof(order));
    clock_manual_init(&fixture->manual, (struct wall){0});
    fixture->loop = loop_new(&fixture->manual.clock);
    flight_init(&fixture->flight);
    for (size_t i = 0; i < GL_ARRAY_SIZE(fixture->askers); i++) {
        flight_waiter_init(&fixture->askers[i].waiter, deliver, &fixture->askers[i]);
        flight_join(&fixture->flight, &fixture->askers[i].waiter);
    }
}

static void settle_all(struct fixture *fixture)
{
    struct flight_waiter *waiter;
    int answer = 0;

    while ((waiter = flight_take(&fixture->flight))) {
        ((struct asker *)waiter)->answer = ++answer;
        flight_settle(fixture->loop, waiter);
    }
}

static void all_are_answered_in_the_order_in_which_they_came(void **state)
{
    struct fixture fixture;

    begin(&fixture);
    assert_int_equal(fixture.flight.count, 3);
    settle_all(&fixture);
    assert_true(flight_is_empty(&fixture.flight));
    assert_string_equal(order, ""); // never from inside
    virtual_loop_run_for(fixture.loop, &fixture.manual, 1);
    assert_string_equal(order, "123");
    loop_free(fixture.loop);
}

static void who_leaves_is_not_called(void **state)
{
    struct fixture fixture;

    begin(&fixture);
    flight_leave(&fixture.askers[1].waiter); // while it waits
    assert_int_equal(fixture.flight.count, 2);
    settle_all(&fixture);
    flight_leave(&fixture.askers[2].waiter); // while its answer is on its way
    virtual_loop_run_for(fixture.loop, &fixture.manual, 1);
    assert_int_equal(fixture.askers[0].calls, 1);
    assert_int_equal(fixture.askers[1].calls, 0);
    assert_int_equal(fixture.askers[2].calls, 0);
    loop_free(fixture.loop);
}

// An answer that is there already needs no flight.
static void who_never_waited_is_settled_too(void **state)
{
    struct fixture fixture;

    begin(&fixture);
    flight_leave(&fixture.askers[0].waiter);
    flight_settle(fixture.loop, &fixture.askers[0].waiter);
    assert_int_equal(fixture.flight.count, 2);
    // One that waits is settled alone: the others go on waiting.
    flight_settle(fixture.loop, &fixture.askers[1].waiter);
    assert_int_equal(fixture.flight.count, 1);
    virtual_loop_run_for(fixture.loop, &fixture.manual, 1);
    assert_int_equal(fixture.askers[0].calls, 1);
    assert_int_equal(fixture.askers[1].calls, 1);
    assert_int_equal(fixture.askers[2].calls, 0);
    loop_free(fixture.loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_are_answered_in_the_order_in_which_they_came),
        cmocka_unit_test(who_leaves_is_not_called),
        cmocka_unit_test(who_never_waited_is_settled_too),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
