#include "password_guesses.h"

#include <stdio.h>

#include "cmocka_unit.h"
#include "virtual_loop.h"

static struct clock_manual clock_now;

static void who_guesses_is_slowed_down(void **state)
{
    struct loop *loop;
    struct password_guesses *guesses;
    int tried = 0;

    clock_manual_init(&clock_now, (struct wall){0});
    loop = loop_new(&clock_now.clock);
    guesses = password_guesses_new(loop);
    for (int i = 0; i < 10000; i++) {
        char client[32];

        snprintf(client, sizeof(client), "10.0.0.1:%d", i); // each from a port of its own
        if (password_guesses_may_try(guesses, client)) {
            password_guesses_count(guesses, client);
            tried++;
        }
        clock_manual_advance(&clock_now, 1);
    }
    assert_in_range(tried, 100, 130); // ten seconds
    while (password_guesses_may_try(guesses, "10.0.0.1:1"))
        password_guesses_count(guesses, "10.0.0.1:1");
    assert_true(password_guesses_may_try(guesses, "10.0.0.2:1"));
    assert_true(password_guesses_may_try(guesses, "[10::1]:1"));
    clock_manual_advance(&clock_now, 100);
    assert_true(password_guesses_may_try(guesses, "10.0.0.1:1"));
    password_guesses_free(guesses);
    loop_free(loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(who_guesses_is_slowed_down)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
