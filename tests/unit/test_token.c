#include <gitlatch/token.h>

#include "clock_manual.h"
#include "cmocka_unit.h"
#include "secret.h"

static struct token *make(void)
{
    struct secret *value = secret_new(BYTES("ghs_1"));
    struct token *token = token_new(value);

    secret_unref(value);
    return token;
}

static void nothing_is_known_of_a_new_one(void **state)
{
    struct clock_manual manual;
    struct token *token = make();

    clock_manual_init(&manual, (struct wall){1764000000000});
    assert_true(secret_equal(token->value, BYTES("ghs_1")));
    assert_int_equal(strlen(token->fingerprint), TOKEN_FINGERPRINT_SIZE - 1);
    assert_int_equal(token_left_ms(token, &manual.clock), INT64_MAX);
    assert_int_equal(token_age_ms(token, manual.mono_now), INT64_MAX);
    assert_true(token->granted.wide);
    token_unref(token);
}

static void its_age_is_its_own(void **state)
{
    struct clock_manual manual;
    struct token *token = make();

    clock_manual_init(&manual, (struct wall){1764000000000});
    token->minted_at = manual.mono_now;
    clock_manual_advance(&manual, MINUTE_MS);
    assert_int_equal(token_age_ms(token, manual.mono_now), MINUTE_MS);
    token_unref(token);
}

static void the_earlier_end_counts(void **state)
{
    struct clock_manual manual;
    struct token *token = make();

    clock_manual_init(&manual, (struct wall){1764000000000});
    token_set_life(token, HOUR_MS, &manual.clock);
    assert_int_equal(token_left_ms(token, &manual.clock), HOUR_MS);
    clock_manual_advance(&manual, 10 * MINUTE_MS);
    assert_int_equal(token_left_ms(token, &manual.clock), 50 * MINUTE_MS);
    // A laptop slept: the wall clock alone went on.
    clock_manual_set_wall(&manual, (struct wall){manual.wall_now.ms + 20 * MINUTE_MS});
    assert_int_equal(token_left_ms(token, &manual.clock), 30 * MINUTE_MS);
    // The clock was set back: the token lives no longer for that.
    clock_manual_set_wall(&manual, (struct wall){manual.wall_now.ms - DAY_MS});
    assert_int_equal(token_left_ms(token, &manual.clock), 50 * MINUTE_MS);
    token_unref(token);
}

static void it_lives_as_long_as_it_is_held(void **state)
{
    struct token *token = make();

    assert_ptr_equal(token_ref(token), token);
    token_unref(token);
    assert_true(secret_equal(token->value, BYTES("ghs_1")));
    token_unref(token);
    token_unref(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_known_of_a_new_one),
        cmocka_unit_test(its_age_is_its_own),
        cmocka_unit_test(the_earlier_end_counts),
        cmocka_unit_test(it_lives_as_long_as_it_is_held),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
