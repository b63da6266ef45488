#include "mint_gate.h"

#include "cmocka_unit.h"
#include "mem.h"
#include "virtual_loop.h"

#define MINT_MS 100

static struct clock_manual clock_now;
static struct loop *loop;
static struct mint_gate *gate;

// One that waits for its turn, mints for MINT_MS, and leaves.
struct minter {
    struct mint_turn turn;
    struct timer end;
    int64_t ran_at; // -1: not yet
};

static size_t running, most_running;

static void on_end(void *arg)
{
    struct minter *minter = arg;

    running--;
    mint_gate_leave(gate, &minter->turn);
}

static void on_turn(void *arg)
{
    struct minter *minter = arg;

    minter->ran_at = clock_now.mono_now.ms;
    running++;
    most_running = running > most_running ? running : most_running;
    timer_start(&minter->end, MINT_MS);
}

static struct minter *enter(const char *tenant, size_t count)
{
    struct minter *minters = mem_alloc_zero(count, sizeof(*minters));

    for (size_t i = 0; i < count; i++) {
        minters[i].ran_at = -1;
        timer_init(&minters[i].end, loop, on_end, &minters[i]);
        assert_true(mint_gate_enter(gate, &minters[i].turn, tenant, on_turn, &minters[i]));
        assert_int_equal(minters[i].ran_at, -1); // never from inside
    }
    return minters;
}

static size_t ran(const struct minter *minters, size_t count)
{
    size_t done = 0;

    for (size_t i = 0; i < count; i++)
        done += minters[i].ran_at >= 0;
    return done;
}

static int set_up(void **state)
{
    clock_manual_init(&clock_now, (struct wall){0});
    loop = loop_new(&clock_now.clock);
    gate = mint_gate_new(loop, 1);
    running = most_running = 0;
    return 0;
}

static int tear_down(void **state)
{
    mint_gate_free(gate);
    loop_free(loop);
    return 0;
}

static void run_for(int64_t ms)
{
    virtual_loop_run_for(loop, &clock_now, ms);
}

// 180 mints a minute are GitHub's 900 points: whatever is asked for, no minute sees more than four fifths of it.
static void test_no_minute_has_more_than_githubs_limit(void **state)
{
    struct minter *minters = enter("team-a", 500);
    size_t in_minute, most = 0;

    run_for(6 * MINUTE_MS);
    assert_int_equal(ran(minters, 500), 500);
    for (size_t i = 0; i < 500; i++) {
        in_minute = 0;
        for (size_t j = i; j < 500 && minters[j].ran_at < minters[i].ran_at + MINUTE_MS; j++)
            in_minute++;
        most = in_minute > most ? in_minute : most;
    }
    assert_in_range(most, 96, 144);
    assert_in_range(most_running, 1, 50);
    mem_free(minters);
}

static void test_replicas_share_the_limit(void **state)
{
    struct minter *minters;

    mint_gate_free(gate);
    gate = mint_gate_new(loop, 4);
    minters = enter("team-a", 100);
    run_for(MINUTE_MS - 1);
    assert_in_range(ran(minters, 100), 24, 36);
    assert_in_range(most_running, 1, 12);
    run_for(10 * MINUTE_MS);
    assert_int_equal(ran(minters, 100), 100);
    mem_free(minters);
}

// A namespace that asks for much makes another one wait for one turn, not for all of its own.
static void test_namespaces_take_turns(void **state)
{
    struct minter *greedy = enter("greedy", 400), *modest;

    run_for(1000);
    assert_in_range(ran(greedy, 400), 48, 50);
    modest = enter("modest", 3);
    run_for(6 * 625 + MINT_MS);
    assert_int_equal(ran(modest, 3), 3);
    assert_in_range(ran(greedy, 400), 48, 56);
    run_for(10 * MINUTE_MS);
    mem_free(greedy);
    mem_free(modest);
}

static void test_within_a_namespace_first_come_first_served(void **state)
{
    struct minter *minters = enter("team-a", 60);

    run_for(MINUTE_MS);
    for (size_t i = 1; i < 60; i++)
        assert_true(minters[i].ran_at >= minters[i - 1].ran_at);
    mem_free(minters);
}

static void test_who_leaves_is_never_called(void **state)
{
    struct minter *minters = enter("team-a", 60);

    mint_gate_leave(gate, &minters[0].turn);
    mint_gate_leave(gate, &minters[0].turn);
    mint_gate_leave(gate, &minters[59].turn);
    run_for(MINUTE_MS);
    assert_int_equal(ran(minters, 60), 58);
    assert_int_equal(minters[0].ran_at, -1);
    mem_free(minters);
}

// The queue of a namespace has an end, and is nobody else's.
static void test_queue_is_bounded_by_namespace(void **state)
{
    struct minter *minters = enter("team-a", 512), *other;
    struct mint_turn one_more;

    assert_false(mint_gate_enter(gate, &one_more, "team-a", on_turn, NULL));
    other = enter("team-b", 1);
    run_for(10);
    assert_int_equal(ran(other, 1), 1);
    run_for(10 * MINUTE_MS);
    mem_free(minters);
    mem_free(other);
}

// Slow answers: no more at a time than GitHub takes.
static void test_at_once(void **state)
{
    struct minter *minters = mem_alloc_zero(100, sizeof(*minters));

    for (size_t i = 0; i < 100; i++) {
        timer_init(&minters[i].end, loop, on_end, &minters[i]);
        assert_true(mint_gate_enter(gate, &minters[i].turn, "team-a", on_turn, &minters[i]));
    }
    for (int64_t ms = 0; ms < 2 * MINUTE_MS; ms += 50) {
        run_for(50);
        for (size_t i = 0; i < 100; i++)
            timer_stop(&minters[i].end); // none ever ends
    }
    assert_int_equal(running, 50);
    for (size_t i = 0; i < 100; i++)
        mint_gate_leave(gate, &minters[i].turn);
    mem_free(minters);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_no_minute_has_more_than_githubs_limit, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_replicas_share_the_limit, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_namespaces_take_turns, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_within_a_namespace_first_come_first_served, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_who_leaves_is_never_called, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_queue_is_bounded_by_namespace, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_at_once, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
