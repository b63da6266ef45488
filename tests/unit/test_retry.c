#include "retry.h"

#include "clock.h"
#include "cmocka_unit.h"

static bool finds(enum retry_failure failure, enum operation_kind kind, struct retry_facts facts, struct retry *retry)
{
    static const struct git_host github = {.type = GIT_HOST_GITHUB};
    struct operation operation = {.kind = kind, .host = &github};

    facts.failure = failure;
    facts.operation = &operation;
    return retry_find(&facts, retry);
}

static void a_young_token_is_waited_for_and_then_given_up_once(void **state)
{
    struct retry_facts facts = {.whole = true, .written = true, .has_token = true, .token_age_ms = 2 * SECOND_MS};
    struct retry retry;

    for (facts.tries = 0; facts.tries < 3; facts.tries++) {
        assert_true(finds(RETRY_UNAUTHORIZED, OPERATION_PUSH, facts, &retry));
        assert_int_equal(retry.pause_ms, (facts.tries + 1) * SECOND_MS);
        assert_false(retry.new_token);
    }
    assert_true(finds(RETRY_UNAUTHORIZED, OPERATION_PUSH, facts, &retry));
    assert_int_equal(retry.pause_ms, 0);
    assert_true(retry.new_token);
    facts.renewed = true;
    assert_false(finds(RETRY_UNAUTHORIZED, OPERATION_PUSH, facts, &retry));
}

static void what_is_not_whole_is_not_sent_again(void **state)
{
    struct retry_facts facts = {.written = true, .reused = true, .has_token = true};
    struct retry retry;

    assert_false(finds(RETRY_UNAUTHORIZED, OPERATION_FETCH, facts, &retry));
    assert_false(finds(RETRY_FORBIDDEN, OPERATION_FETCH_REFS, facts, &retry));
    assert_false(finds(RETRY_LOST, OPERATION_FETCH, facts, &retry));
}

static void a_401_without_a_token_is_final(void **state)
{
    struct retry_facts facts = {.whole = true, .written = true};
    struct retry retry;

    assert_false(finds(RETRY_UNAUTHORIZED, OPERATION_FETCH_REFS, facts, &retry));
}

static void a_403_is_waited_out_for_a_young_token(void **state)
{
    static const enum operation_kind kinds[] = {OPERATION_PUSH_REFS, OPERATION_PUSH, OPERATION_API_REPOSITORY,
                                                OPERATION_GRAPHQL, OPERATION_LFS_BATCH};
    struct retry_facts facts = {.whole = true, .written = true, .has_token = true};
    struct retry retry;

    for (size_t i = 0; i < GL_ARRAY_SIZE(kinds); i++) {
        facts.token_age_ms = 10 * SECOND_MS;
        assert_true(finds(RETRY_FORBIDDEN, kinds[i], facts, &retry));
        assert_int_equal(retry.pause_ms, SECOND_MS);
        facts.token_age_ms++;
        assert_false(finds(RETRY_FORBIDDEN, kinds[i], facts, &retry));
        facts.token_age_ms = INT64_MAX; // nobody knows
        assert_false(finds(RETRY_FORBIDDEN, kinds[i], facts, &retry));
    }
}

static void a_403_that_says_why_is_final(void **state)
{
    struct retry_facts facts = {.whole = true, .written = true, .has_token = true, .says_why = true};
    struct retry retry;

    assert_false(finds(RETRY_FORBIDDEN, OPERATION_FETCH_REFS, facts, &retry));
    assert_false(finds(RETRY_FORBIDDEN, OPERATION_API_REPOSITORY, facts, &retry));
}

static void a_404_is_waited_out_for_what_exists(void **state)
{
    struct retry_facts facts = {.whole = true, .written = true, .has_token = true, .exists = true};
    struct retry retry;

    assert_true(finds(RETRY_NOT_FOUND, OPERATION_FETCH_REFS, facts, &retry));
    facts.exists = false; // "if 404, create it" must not wait
    assert_false(finds(RETRY_NOT_FOUND, OPERATION_API_REPOSITORY, facts, &retry));
    facts.exists = true;
    facts.token_age_ms = 11 * SECOND_MS;
    assert_false(finds(RETRY_NOT_FOUND, OPERATION_FETCH_REFS, facts, &retry));
}

static void a_lost_push_is_sent_again_only_if_nothing_went_out(void **state)
{
    struct retry_facts facts = {.whole = true, .written = true, .reused = true};
    struct retry retry;

    assert_false(finds(RETRY_LOST, OPERATION_PUSH, facts, &retry));
    assert_true(finds(RETRY_LOST, OPERATION_FETCH, facts, &retry));
    facts.written = false;
    assert_true(finds(RETRY_LOST, OPERATION_PUSH, facts, &retry));
}

static void a_fetch_by_what_was_kept_is_asked_again_once(void **state)
{
    struct retry_facts facts = {.whole = true, .written = true};
    struct retry retry;

    assert_true(finds(RETRY_KEPT, OPERATION_FETCH, facts, &retry));
    assert_int_equal(retry.pause_ms, 0);
    facts.tries = 1;
    assert_false(finds(RETRY_KEPT, OPERATION_FETCH, facts, &retry));
    facts = (struct retry_facts){.written = true};
    assert_false(finds(RETRY_KEPT, OPERATION_FETCH, facts, &retry));
}

static void a_new_connection_is_lost_once_a_kept_one_twice(void **state)
{
    struct retry_facts facts = {.whole = true, .written = true, .tries = 1};
    struct retry retry;

    assert_false(finds(RETRY_LOST, OPERATION_FETCH, facts, &retry));
    facts.reused = true;
    assert_true(finds(RETRY_LOST, OPERATION_FETCH, facts, &retry));
    facts.tries = 2;
    assert_false(finds(RETRY_LOST, OPERATION_FETCH, facts, &retry));
    assert_false(finds(RETRY_UNUSED_LOST, OPERATION_PUSH, facts, &retry));
    facts.tries = 1;
    assert_true(finds(RETRY_UNUSED_LOST, OPERATION_PUSH, facts, &retry));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_young_token_is_waited_for_and_then_given_up_once),
        cmocka_unit_test(what_is_not_whole_is_not_sent_again),
        cmocka_unit_test(a_401_without_a_token_is_final),
        cmocka_unit_test(a_403_is_waited_out_for_a_young_token),
        cmocka_unit_test(a_403_that_says_why_is_final),
        cmocka_unit_test(a_404_is_waited_out_for_what_exists),
        cmocka_unit_test(a_lost_push_is_sent_again_only_if_nothing_went_out),
        cmocka_unit_test(a_fetch_by_what_was_kept_is_asked_again_once),
        cmocka_unit_test(a_new_connection_is_lost_once_a_kept_one_twice),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
