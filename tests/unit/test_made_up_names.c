// Names that are not there, by the dozen: what they cost GitHub. And those that came to be meanwhile.
#include "token_fixture.h"

static void serve(struct token_fixture *fixture)
{
    token_fixture_serve(fixture, &fixture->app, 1);
}

static struct token_asker ask_many(struct token_fixture *fixture, unsigned first, unsigned count)
{
    struct token_asker last = {0};

    for (unsigned i = first; i < first + count; i++) {
        char name[64];
        snprintf(name, sizeof(name), "acme/made-up-%u", i);
        last = token_ask_read(fixture, name);
        assert_string_equal(token_reason(&last), "not_covered");
    }
    return last;
}

static void they_cost_the_list_and_no_mint(void **state)
{
    struct token_fixture *fixture = *state;

    serve(fixture);
    ask_many(fixture, 0, 1);
    // The first one: a mint that failed, and the token with which the new name was asked for.
    unsigned mints = fixture->github.mints;
    assert_in_range(mints, 1, 2);
    struct token_asker last = ask_many(fixture, 1, 300);
    assert_int_equal(fixture->github.mints, mints);
    assert_non_null(strstr(last.verdict.sentence, "covers no repository made-up-300"));
    // 100 ms each: half a minute, in which the list was asked for every five seconds.
    assert_in_range(fixture->github.lists, 1, 8);
    // What is there is served meanwhile.
    last = token_ask_read(fixture, "acme/widgets");
    assert_string_equal(token_reason(&last), "");
}

static void they_cost_little_when_they_come_together(void **state)
{
    enum { COUNT = 200 };
    struct token_fixture *fixture = *state;
    static struct token_asker askers[COUNT];

    serve(fixture);
    for (unsigned i = 0; i < COUNT; i++) {
        char name[64];
        snprintf(name, sizeof(name), "acme/made-up-%u", i);
        struct scope scope = token_scope(fixture, name, "contents", PERMISSION_READ);
        askers[i] = (struct token_asker){0};
        askers[i].request = token_service_ask(fixture->service, &scope, token_asker_done, &askers[i]);
    }
    token_fixture_run(fixture, 30 * SECOND_MS);
    for (unsigned i = 0; i < COUNT; i++) {
        assert_int_equal(askers[i].answers, 1);
        assert_string_equal(token_reason(&askers[i]), "not_covered");
    }
    // Four that were not known yet, and the list's.
    assert_in_range(fixture->github.mints, 1, 5);
    assert_in_range(fixture->github.lists, 1, 2);
    // Of the names that might be old ones, ten at once and one a second were asked for.
    assert_in_range(fixture->github.calls, 1, 60);
}

static void many_that_are_there_are_minted_for(void **state)
{
    struct token_fixture *fixture = *state;

    fixture->github.many = 150;
    serve(fixture);
    for (unsigned i = 0; i < 20; i++) {
        char name[64];
        snprintf(name, sizeof(name), "acme/many-%u", i);
        struct token_asker asker = token_ask_read(fixture, name);
        assert_string_equal(token_reason(&asker), "");
    }
    assert_int_equal(fixture->github.lists, 2); // its pages
    assert_int_equal(fixture->github.mints, 21);
}

static void what_was_just_created_is_there_within_seconds(void **state)
{
    struct token_fixture *fixture = *state;

    serve(fixture);
    ask_many(fixture, 0, 8);
    fixture->github.repositories[3] = (struct fake_repository){.id = 1004, .owner = "Acme", .name = "made-up-5"};
    token_fixture_run(fixture, 6 * SECOND_MS);
    struct token_asker asker = token_ask_read(fixture, "acme/made-up-5");
    assert_string_equal(asker.repositories, "1004:acme/made-up-5");
}

static void a_renamed_one_has_its_new_name_though_the_list_lacks_it(void **state)
{
    struct token_fixture *fixture = *state;

    serve(fixture);
    ask_many(fixture, 0, 8);
    fixture->github.repositories[0].old = "acme/old";
    struct token_asker asker = token_ask_read(fixture, "acme/old");
    assert_string_equal(token_reason(&asker), "renamed");
    assert_string_equal(asker.verdict.location, "acme/widgets");
}

static void a_service_can_end_while_a_list_is_waited_for(void **state)
{
    struct token_fixture *fixture = *state;
    struct scope scope = token_scope(fixture, "acme/made-up-x", "contents", PERMISSION_READ);
    struct token_asker asker = {0};

    serve(fixture);
    ask_many(fixture, 0, 1);
    asker.request = token_service_ask(fixture->service, &scope, token_asker_done, &asker);
    loop_turn(fixture->loop);
    token_request_cancel(asker.request);
    assert_int_equal(asker.answers, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TOKEN_TEST(they_cost_the_list_and_no_mint),
        TOKEN_TEST(they_cost_little_when_they_come_together),
        TOKEN_TEST(many_that_are_there_are_minted_for),
        TOKEN_TEST(what_was_just_created_is_there_within_seconds),
        TOKEN_TEST(a_renamed_one_has_its_new_name_though_the_list_lacks_it),
        TOKEN_TEST(a_service_can_end_while_a_list_is_waited_for),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
