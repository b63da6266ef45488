#include "loop.h"

#include <unistd.h>

#include <event2/event.h>

#include "cmocka_unit.h"
#include "text.h"
#include "virtual_loop.h"

// What ran, in order: one letter a call.
static struct text ran;

struct player {
    struct timer timer;
    struct deferred deferred;
    char letter;
    int again; // how many more times it starts itself
    int64_t delay_ms;
    struct player *victim; // whom it stops
};

static void on_play(void *arg)
{
    struct player *player = arg;

    text_append_char(&ran, player->letter);
    if (player->again-- > 0)
        timer_start(&player->timer, player->delay_ms);
    if (player->victim) {
        timer_stop(&player->victim->timer);
        deferred_cancel(&player->victim->deferred);
    }
}

static void player_init(struct player *player, struct loop *loop, char letter)
{
    *player = (struct player){.letter = letter};
    timer_init(&player->timer, loop, on_play, player);
    deferred_init(&player->deferred, on_play, player);
}

struct fixture {
    struct clock_manual manual;
    struct loop *loop;
    struct player a, b, c;
};

static int set_up(void **state)
{
    static struct fixture fixture;

    clock_manual_init(&fixture.manual, (struct wall){0});
    fixture.loop = loop_new(&fixture.manual.clock);
    player_init(&fixture.a, fixture.loop, 'a');
    player_init(&fixture.b, fixture.loop, 'b');
    player_init(&fixture.c, fixture.loop, 'c');
    text_clear(&ran);
    *state = &fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;

    loop_free(fixture->loop);
    text_free(&ran);
    return 0;
}

static void timers_run_in_order_of_time_then_of_start(void **state)
{
    struct fixture *f = *state;

    timer_start(&f->a.timer, 30);
    timer_start(&f->b.timer, 10);
    timer_start(&f->c.timer, 10);
    virtual_loop_run_until(f->loop, &f->manual, (struct mono){9});
    assert_string_equal(text_string(&ran), "");
    virtual_loop_run_until(f->loop, &f->manual, (struct mono){10});
    assert_string_equal(text_string(&ran), "bc");
    assert_false(timer_pending(&f->b.timer));
    assert_true(timer_pending(&f->a.timer));
    virtual_loop_run_for(f->loop, &f->manual, 100);
    assert_string_equal(text_string(&ran), "bca");
}

static void started_again_is_set_anew_and_stopped_does_not_run(void **state)
{
    struct fixture *f = *state;

    timer_start(&f->a.timer, 10);
    timer_start(&f->a.timer, 20);
    timer_start(&f->b.timer, 15);
    timer_start(&f->c.timer, 5);
    timer_stop(&f->c.timer);
    timer_stop(&f->c.timer);
    virtual_loop_run_for(f->loop, &f->manual, 100);
    assert_string_equal(text_string(&ran), "ba");
}

static void a_timer_may_stop_one_that_is_due(void **state)
{
    struct fixture *f = *state;

    f->a.victim = &f->b;
    timer_start(&f->a.timer, 10);
    timer_start(&f->b.timer, 10);
    virtual_loop_run_for(f->loop, &f->manual, 100);
    assert_string_equal(text_string(&ran), "a");
}

static void no_delay_waits_for_the_next_turn(void **state)
{
    struct fixture *f = *state;

    f->a.again = 1000000;
    timer_start(&f->a.timer, 0);
    timer_start(&f->b.timer, 0);
    loop_turn(f->loop);
    assert_string_equal(text_string(&ran), "ab");
    loop_turn(f->loop);
    assert_string_equal(text_string(&ran), "aba");
}

static void on_defer_itself(void *arg)
{
    struct fixture *f = arg;

    text_append_char(&ran, 'x');
    loop_defer(f->loop, &f->a.deferred);
}

static void deferred_calls_run_once_later(void **state)
{
    struct fixture *f = *state;
    struct deferred chain;

    deferred_init(&chain, on_defer_itself, f);
    loop_defer(f->loop, &chain);
    loop_defer(f->loop, &f->b.deferred);
    loop_defer(f->loop, &f->b.deferred);
    loop_defer(f->loop, &f->c.deferred);
    deferred_cancel(&f->c.deferred);
    assert_true(deferred_pending(&f->b.deferred));
    assert_string_equal(text_string(&ran), "");
    loop_turn(f->loop);
    assert_string_equal(text_string(&ran), "xb");
    loop_turn(f->loop);
    assert_string_equal(text_string(&ran), "xba");
}

static void a_deferred_call_may_cancel_another_of_its_turn(void **state)
{
    struct fixture *f = *state;

    f->a.victim = &f->b;
    loop_defer(f->loop, &f->a.deferred);
    loop_defer(f->loop, &f->b.deferred);
    loop_turn(f->loop);
    assert_string_equal(text_string(&ran), "a");
    assert_false(deferred_pending(&f->b.deferred));
}

static void bulk_runs_one_a_turn_behind_what_is_short(void **state)
{
    struct fixture *f = *state;
    struct mono due;

    loop_queue_bulk(f->loop, &f->a.deferred);
    loop_queue_bulk(f->loop, &f->b.deferred);
    loop_queue_bulk(f->loop, &f->a.deferred); // it waits already
    loop_defer(f->loop, &f->c.deferred);
    loop_turn(f->loop);
    assert_string_equal(text_string(&ran), "ca");
    assert_true(loop_next_due(f->loop, &due)); // the loop must not sleep
    assert_int_equal(due.ms, loop_now(f->loop).ms);
    loop_turn(f->loop);
    assert_string_equal(text_string(&ran), "cab");
    assert_false(loop_next_due(f->loop, &due));
}

static void bulk_may_be_cancelled(void **state)
{
    struct fixture *f = *state;

    loop_queue_bulk(f->loop, &f->a.deferred);
    loop_queue_bulk(f->loop, &f->b.deferred);
    deferred_cancel(&f->a.deferred);
    loop_turn(f->loop);
    assert_string_equal(text_string(&ran), "b");
}

// Against the plain truth: many timers, started, moved and stopped at random, run exactly when they are due.
enum { MANY = 500 };

struct many {
    struct fixture *fixture;
    struct timer timers[MANY];
    int64_t due[MANY]; // -1: not pending
};

static struct many many;

static void on_one_of_many(void *arg)
{
    size_t i = (size_t)((struct timer *)arg - many.timers);

    assert_int_equal(many.due[i], many.fixture->manual.mono_now.ms);
    many.due[i] = -1;
}

static void many_timers_at_random(void **state)
{
    unsigned seed = 7;
    size_t left = 0;

    many.fixture = *state;
    for (size_t i = 0; i < MANY; i++) {
        timer_init(&many.timers[i], many.fixture->loop, on_one_of_many, &many.timers[i]);
        many.due[i] = -1;
    }
    for (int step = 0; step < 50000; step++) {
        size_t i = (size_t)rand_r(&seed) % MANY;
        int64_t delay = 1 + rand_r(&seed) % 1000;

        if (rand_r(&seed) % 4 == 0) {
            timer_stop(&many.timers[i]);
            many.due[i] = -1;
        } else {
            timer_start(&many.timers[i], delay);
            many.due[i] = many.fixture->manual.mono_now.ms + delay;
        }
        if (step % 5 == 0)
            virtual_loop_run_for(many.fixture->loop, &many.fixture->manual, 3);
    }
    virtual_loop_run_for(many.fixture->loop, &many.fixture->manual, 1000);
    for (size_t i = 0; i < MANY; i++)
        left += many.due[i] != -1;
    assert_int_equal(left, 0);
}

static void thirty_days_pass_quickly(void **state)
{
    struct fixture *f = *state;
    const int runs = 30 * 24 * 60;

    f->a.again = runs;
    f->a.delay_ms = MINUTE_MS;
    timer_start(&f->a.timer, MINUTE_MS);
    virtual_loop_run_for(f->loop, &f->manual, 30 * DAY_MS);
    assert_int_equal(text_bytes(&ran).size, runs);
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
    text_append_char(&ran, 'r');
    loop_stop(arg);
}

static void on_write_now(void *arg)
{
    assert_int_equal(write(*(int *)arg, "x", 1), 1);
}

static void descriptors_and_timers_run_on_the_real_clock(void **state)
{
    struct loop *loop = loop_new(clock_real());
    struct mono begin = loop_now(loop);
    struct event *event;
    struct timer timer;
    struct player early;
    int ends[2];

    assert_int_equal(pipe(ends), 0);
    event = event_new(loop_event_base(loop), ends[0], EV_READ, on_readable, loop);
    event_add(event, NULL);
    timer_init(&timer, loop, on_write_now, &ends[1]);
    timer_start(&timer, 30);
    player_init(&early, loop, 'e');
    timer_start(&early.timer, 5);
    loop_run(loop);
    assert_string_equal(text_string(&ran), "er");
    assert_in_range(loop_now(loop).ms - begin.ms, 30, 5000);
    event_free(event);
    close(ends[0]);
    close(ends[1]);
    loop_free(loop);
}

static void on_block(void *arg)
{
    usleep(120000);
}

static void on_stop(void *arg)
{
    loop_stop(arg);
}

static void a_callback_that_blocks_shows_as_lag(void **state)
{
    struct loop *loop = loop_new(clock_real());
    struct timer blocker, late;

    timer_init(&blocker, loop, on_block, NULL);
    timer_init(&late, loop, on_stop, loop);
    timer_start(&blocker, 1);
    timer_start(&late, 20);
    loop_run(loop);
    assert_in_range(loop_lag_ms(loop), 80, 5000);
    loop_free(loop);
}

static void lag_is_forgotten_after_two_windows(void **state)
{
    struct fixture *f = *state;

    timer_start(&f->a.timer, 1);
    clock_manual_advance(&f->manual, 501);
    loop_turn(f->loop);
    assert_int_equal(loop_lag_ms(f->loop), 500);
    f->b.again = 100;
    f->b.delay_ms = 1000;
    timer_start(&f->b.timer, 1000);
    virtual_loop_run_for(f->loop, &f->manual, 9000);
    assert_int_equal(loop_lag_ms(f->loop), 500);
    virtual_loop_run_for(f->loop, &f->manual, 21000);
    assert_int_equal(loop_lag_ms(f->loop), 0);
}

#define LOOP_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LOOP_TEST(timers_run_in_order_of_time_then_of_start),
        LOOP_TEST(started_again_is_set_anew_and_stopped_does_not_run),
        LOOP_TEST(a_timer_may_stop_one_that_is_due),
        LOOP_TEST(no_delay_waits_for_the_next_turn),
        LOOP_TEST(deferred_calls_run_once_later),
        LOOP_TEST(a_deferred_call_may_cancel_another_of_its_turn),
        LOOP_TEST(bulk_runs_one_a_turn_behind_what_is_short),
        LOOP_TEST(bulk_may_be_cancelled),
        LOOP_TEST(many_timers_at_random),
        LOOP_TEST(thirty_days_pass_quickly),
        LOOP_TEST(descriptors_and_timers_run_on_the_real_clock),
        LOOP_TEST(a_callback_that_blocks_shows_as_lag),
        LOOP_TEST(lag_is_forgotten_after_two_windows),
    };

    return cmocka_run_group_tests_name("loop", tests, NULL, NULL);
}
