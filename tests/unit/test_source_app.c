// Tokens from a GitHub App, against a GitHub that has its ways.
#include "token_fixture.h"

static void one_repository_is_one_scope(void **state)
{
    struct token_fixture *fixture = *state;

    token_fixture_serve(fixture, &fixture->app, 1);
    struct token_asker asker = token_ask_read(fixture, "acme/widgets");
    assert_string_equal(asker.token, "ghs_1");
    assert_string_equal(asker.source, "app");
    assert_false(asker.given->granted.wide);
    assert_string_equal(asker.repositories, "1001:acme/widgets");
    assert_int_equal(permissions_level(&asker.permissions, BYTES("contents")), PERMISSION_READ);
    assert_int_equal(asker.given->expires_at.ms, 1764000000000 + HOUR_MS);
    assert_in_range(token_age_ms(asker.given, fixture->manual.mono_now), 0, 100);
    assert_string_equal(text_string(&fixture->github.log), "GET /repos/acme/widgets/installation\n"
                                                           "POST /app/installations/42/access_tokens\n");
    assert_string_equal(fixture->github.last_body,
                        "{\"permissions\":{\"contents\":\"read\"},\"repositories\":[\"widgets\"]}");
    assert_string_equal(fixture->event_scope, "acme/widgets contents:read");
    assert_string_equal(fixture->event_reason, "");

    // The installation is known now; a push is a token of its own.
    text_clear(&fixture->github.log);
    struct scope push = token_scope(fixture, "acme/gadgets", "contents", PERMISSION_WRITE);
    assert_string_equal(token_ask(fixture, &push).token, "ghs_2");
    assert_string_equal(text_string(&fixture->github.log), "POST /app/installations/42/access_tokens\n");
    assert_true(metrics_value(fixture->metrics, METRIC_TOKEN_MINTS, METRIC_LABELS("app", "ok")) == 2);
}

static void a_user_has_it_too(void **state)
{
    struct token_fixture *fixture = *state;
    struct scope all = token_scope(fixture, "globex/x", "issues", PERMISSION_READ);

    all.reach = SCOPE_INSTALLATION;
    token_fixture_serve(fixture, &fixture->app, 1);
    assert_string_equal(token_ask(fixture, &all).token, "ghs_1");
    assert_string_equal(text_string(&fixture->github.log), "GET /orgs/globex/installation\n"
                                                           "GET /users/globex/installation\n"
                                                           "POST /app/installations/43/access_tokens\n");
}

static void not_installed_is_said_and_kept(void **state)
{
    struct token_fixture *fixture = *state;
    struct token_asker asker;

    token_fixture_serve(fixture, &fixture->app, 1);
    asker = token_ask_read(fixture, "initech/tps");
    assert_string_equal(token_reason(&asker), "not_installed");
    assert_string_equal(asker.verdict.sentence, "the GitHub App is not installed for initech");
    assert_int_equal(asker.verdict.retry_after_s, 0); // it does not pass by waiting
    assert_int_equal(fixture->github.calls, 3);
    token_ask_read(fixture, "initech/other");
    assert_int_equal(fixture->github.calls, 3);

    // Installed at last.
    fixture->github.installations[2] = (struct fake_installation){.owner = "initech", .id = 44};
    fixture->github.repositories[3] = (struct fake_repository){.id = 1004, .owner = "initech", .name = "tps"};
    token_fixture_run(fixture, 5 * SECOND_MS);
    assert_string_equal(token_ask_read(fixture, "initech/tps").token, "ghs_1");
}

static void a_clock_that_is_off_is_corrected(void **state)
{
    static const int64_t off_ms[] = {120 * SECOND_MS, -120 * SECOND_MS, 11 * MINUTE_MS, -11 * MINUTE_MS};
    struct token_fixture *fixture = *state;

    token_fixture_serve(fixture, &fixture->app, 1);
    for (size_t i = 0; i < GL_ARRAY_SIZE(off_ms); i++) {
        char name[32];
        snprintf(name, sizeof(name), "acme/r%zu", i);
        fixture->github.repositories[3] = (struct fake_repository){.id = 2000 + i, .owner = "Acme", .name = name + 5};
        fixture->github.ahead_ms = off_ms[i];
        // The JWT of the last round is used up.
        token_fixture_run(fixture, 10 * MINUTE_MS);
        struct token_asker asker = token_ask_read(fixture, name);
        assert_string_equal(token_reason(&asker), "");
        int64_t end_ms = fake_github_now(&fixture->github).ms + HOUR_MS;
        assert_in_range(asker.given->expires_at.ms, end_ms - 2 * SECOND_MS, end_ms);
        // Its life is counted by GitHub's clock: it is replaced ahead of its end, not two minutes after.
        unsigned mints = fixture->github.mints;
        token_fixture_run(fixture, 49 * MINUTE_MS);
        token_ask_read(fixture, name);
        assert_int_equal(fixture->github.mints, mints);
        token_fixture_run(fixture, 4 * MINUTE_MS);
        assert_int_equal(fixture->github.mints, mints + 1);
    }
}

static void an_installation_under_a_new_id(void **state)
{
    struct token_fixture *fixture = *state;

    token_fixture_serve(fixture, &fixture->app, 1);
    token_ask_read(fixture, "acme/widgets");
    fixture->github.installations[0].id = 99;
    struct token_asker asker = token_ask_read(fixture, "acme/gadgets");
    assert_string_equal(asker.token, "ghs_2");
    assert_non_null(strstr(text_string(&fixture->github.log), "POST /app/installations/99/access_tokens\n"));
}

static void an_installation_that_was_removed(void **state)
{
    struct token_fixture *fixture = *state;

    token_fixture_serve(fixture, &fixture->app, 1);
    token_ask_read(fixture, "acme/widgets");
    fixture->github.installations[0].id = 0;
    struct token_asker asker = token_ask_read(fixture, "acme/gadgets");
    assert_string_equal(token_reason(&asker), "not_installed");
}

static void a_renamed_repository_has_its_new_name(void **state)
{
    struct token_fixture *fixture = *state;

    fixture->github.repositories[0].name = "widgets-2";
    fixture->github.repositories[0].old = "acme/widgets";
    token_fixture_serve(fixture, &fixture->app, 1);
    struct token_asker asker = token_ask_read(fixture, "acme/widgets");
    assert_string_equal(token_reason(&asker), "renamed");
    assert_string_equal(asker.verdict.location, "acme/widgets-2");
    assert_int_equal(verdict_status(&asker.verdict), 301);
    assert_int_equal(asker.verdict.retry_after_s, 0);
    // Asked once; then it is known.
    unsigned calls = fixture->github.calls;
    token_ask_read(fixture, "acme/widgets");
    assert_int_equal(fixture->github.calls, calls);
    assert_string_equal(token_ask_read(fixture, "acme/widgets-2").repositories, "1001:acme/widgets-2");
}

static void a_renamed_owner_too(void **state)
{
    struct token_fixture *fixture = *state;

    token_fixture_serve(fixture, &fixture->app, 1);
    token_ask_read(fixture, "acme/widgets");
    fixture->github.installations[0].owner = "apex";
    fixture->github.repositories[0] =
        (struct fake_repository){.id = 1001, .owner = "apex", .name = "Widgets", .old = "acme/widgets"};
    fixture->github.repositories[1] =
        (struct fake_repository){.id = 1002, .owner = "apex", .name = "gadgets", .old = "acme/gadgets"};
    // The installation of acme is still known, and its id is good.
    struct token_asker asker = token_ask_read(fixture, "acme/gadgets");
    assert_string_equal(token_reason(&asker), "renamed");
    assert_string_equal(asker.verdict.location, "apex/gadgets");
    // It is known no more.
    token_fixture_run(fixture, 2 * HOUR_MS);
    asker = token_ask_read(fixture, "acme/widgets");
    assert_string_equal(token_reason(&asker), "renamed");
    assert_string_equal(asker.verdict.location, "apex/widgets");
}

static void a_name_of_another_owner_is_never_taken(void **state)
{
    struct token_fixture *fixture = *state;

    // Handed over: acme/ray is now globex/ray, and acme still has its own installation.
    fixture->github.repositories[2].old = "acme/ray";
    token_fixture_serve(fixture, &fixture->app, 1);
    struct token_asker asker = token_ask_read(fixture, "acme/ray");
    assert_string_not_equal(token_reason(&asker), "");
    // And acme's other repositories are still acme's.
    assert_string_equal(token_ask_read(fixture, "acme/widgets").repositories, "1001:acme/widgets");
}

static struct scope everything_of(const struct token_fixture *fixture, const char *name)
{
    struct scope scope = token_scope(fixture, name, NULL, PERMISSION_NONE);

    scope.use = SCOPE_USE_API;
    scope.ruled = false;
    scope.all_permissions = true;
    return scope;
}

static void all_of_an_owner_is_not_all_of_another(void **state)
{
    struct token_fixture *fixture = *state;
    struct scope all = everything_of(fixture, "acme/ray");

    // Handed over: acme/ray is now globex/ray, and acme has no installation any more.
    fixture->github.installations[0].id = 0;
    fixture->github.repositories[2].old = "acme/ray";
    fixture->github.app_permissions = 3;
    token_fixture_serve(fixture, &fixture->app, 1);
    struct token_asker asker = token_ask_read(fixture, "acme/ray");
    assert_string_equal(token_reason(&asker), "renamed");
    assert_string_equal(asker.verdict.location, "globex/ray");
    all.reach = SCOPE_INSTALLATION;
    asker = token_ask(fixture, &all);
    assert_string_equal(token_reason(&asker), "not_installed");
}

static void an_app_may_have_every_permission(void **state)
{
    struct token_fixture *fixture = *state;
    struct scope all = everything_of(fixture, "acme/widgets");

    fixture->github.app_permissions = 2 * PERMISSIONS_MAX;
    token_fixture_serve(fixture, &fixture->app, 1);
    assert_string_equal(token_ask(fixture, &all).token, "ghs_1");
    all.reach = SCOPE_INSTALLATION;
    struct token_asker asker = token_ask(fixture, &all);
    assert_string_equal(asker.token, "ghs_2");
    assert_false(asker.given->granted.wide);
}

static void what_is_not_covered_is_said(void **state)
{
    struct token_fixture *fixture = *state;

    fixture->github.repositories[0].uncovered = true;
    token_fixture_serve(fixture, &fixture->app, 1);
    struct token_asker asker = token_ask_read(fixture, "acme/widgets");
    assert_string_equal(token_reason(&asker), "not_covered");
    assert_non_null(strstr(asker.verdict.sentence, "not accessible to the parent installation"));
    assert_string_equal(fixture->event_reason, "not_covered");
}

static void refusals_have_their_reasons(void **state)
{
    struct token_fixture *fixture = *state;
    struct token_asker asker;

    token_fixture_serve(fixture, &fixture->app, 1);
    fixture->github.installations[0].permission = "issues";
    struct scope scope = token_scope(fixture, "acme/widgets", "issues", PERMISSION_READ);
    asker = token_ask(fixture, &scope);
    assert_string_equal(token_reason(&asker), "not_granted");
    fixture->github.installations[0].suspended = true;
    asker = token_ask_read(fixture, "acme/widgets");
    assert_string_equal(token_reason(&asker), "suspended");
    assert_int_equal(verdict_status(&asker.verdict), 403);
}

static void a_wider_token_is_not_used(void **state)
{
    struct token_fixture *fixture = *state;

    fixture->github.wider = true;
    token_fixture_serve(fixture, &fixture->app, 1);
    struct token_asker asker = token_ask_read(fixture, "acme/widgets");
    assert_string_equal(token_reason(&asker), "scope");
    assert_int_equal(verdict_status(&asker.verdict), 502);
    fixture->github.wider = false;
    fixture->github.without_grant = true;
    asker = token_ask_read(fixture, "acme/gadgets");
    assert_string_equal(token_reason(&asker), "scope");
}

static void a_pinned_installation(void **state)
{
    struct token_fixture *fixture = *state;

    fixture->app.installation = 43;
    token_fixture_serve(fixture, &fixture->app, 1);
    assert_string_equal(token_ask_read(fixture, "globex/ray").token, "ghs_1");
    // A name alone would be taken for a repository of globex.
    fixture->github.repositories[3] = (struct fake_repository){.id = 1004, .owner = "globex", .name = "widgets"};
    struct token_asker asker = token_ask_read(fixture, "acme/widgets");
    assert_string_equal(token_reason(&asker), "not_installed");
    assert_non_null(strstr(asker.verdict.sentence, "is of globex, not of acme"));
}

static void the_only_installation(void **state)
{
    struct token_fixture *fixture = *state;
    struct scope scope = {.host = &fixture->host.git, .reach = SCOPE_INSTALLATION, .use = SCOPE_USE_API};

    token_fixture_serve(fixture, &fixture->app, 1);
    struct token_asker asker = token_ask(fixture, &scope);
    assert_string_equal(token_reason(&asker), "owner");
    assert_non_null(strstr(asker.verdict.sentence, "acme, globex"));
    fixture->github.installations[1].id = 0;
    token_fixture_run(fixture, 61 * SECOND_MS);
    assert_string_equal(token_ask(fixture, &scope).token, "ghs_1");
}

static void a_rate_limit_stops_all_mints(void **state)
{
    struct token_fixture *fixture = *state;
    struct token_asker asker;

    token_fixture_serve(fixture, &fixture->app, 1);
    fixture->github.fault = (struct fake_fault){.match = "access_tokens",
                                                .count = 1,
                                                .status = 403,
                                                .retry_after = "90",
                                                .body = "{\"message\":\"You have exceeded a secondary rate limit\"}"};
    asker = token_ask_read(fixture, "acme/widgets");
    assert_string_equal(token_reason(&asker), "rate_limited");
    assert_in_range(asker.verdict.retry_after_s, 90, 92);
    unsigned calls = fixture->github.calls;
    asker = token_ask_read(fixture, "acme/gadgets");
    assert_string_equal(token_reason(&asker), "rate_limited");
    assert_in_range(asker.verdict.retry_after_s, 85, 92);
    assert_int_equal(fixture->github.calls, calls);
    token_fixture_run(fixture, 95 * SECOND_MS);
    assert_string_equal(token_ask_read(fixture, "acme/gadgets").token, "ghs_1");
}

static void a_reload_does_not_forget_the_limit(void **state)
{
    struct token_fixture *fixture = *state;

    token_fixture_serve(fixture, &fixture->app, 1);
    fixture->github.fault =
        (struct fake_fault){.match = "access_tokens", .count = 1, .status = 429, .retry_after = "600", .body = "{}"};
    token_ask_read(fixture, "acme/widgets");
    struct token_service *old = fixture->service;
    token_fixture_serve(fixture, &fixture->app, 1);
    token_service_adopt(fixture->service, old);
    token_service_unref(old);
    unsigned calls = fixture->github.calls;
    struct token_asker asker = token_ask_read(fixture, "acme/widgets");
    assert_string_equal(token_reason(&asker), "rate_limited");
    assert_int_equal(fixture->github.calls, calls);
}

static void a_limit_without_a_time_grows(void **state)
{
    struct token_fixture *fixture = *state;
    int64_t before_ms = 0, waited_ms[3];

    token_fixture_serve(fixture, &fixture->app, 1);
    fixture->github.fault = (struct fake_fault){
        .match = "access_tokens", .count = 100, .status = 429, .body = "{\"message\":\"secondary rate limit\"}"};
    token_ask_read(fixture, "acme/widgets");
    for (size_t i = 0; i < GL_ARRAY_SIZE(waited_ms); i++) {
        unsigned mints = 100 - fixture->github.fault.count;
        before_ms = fixture->manual.mono_now.ms;
        while (100 - fixture->github.fault.count == mints) {
            token_ask_read(fixture, "acme/widgets");
            token_fixture_run(fixture, SECOND_MS);
        }
        waited_ms[i] = fixture->manual.mono_now.ms - before_ms;
    }
    assert_in_range(waited_ms[0], 58 * SECOND_MS, 64 * SECOND_MS);
    assert_in_range(waited_ms[1], 118 * SECOND_MS, 124 * SECOND_MS);
    assert_in_range(waited_ms[2], 238 * SECOND_MS, 244 * SECOND_MS);
}

static void a_stumble_is_not_seen(void **state)
{
    static const struct fake_fault faults[] = {
        {.match = "access_tokens", .count = 1, .status = 502, .body = "<html>"},
        {.match = "access_tokens", .count = 2, .result = HTTP_UNREACHABLE},
        {.match = "access_tokens", .count = 1, .status = 201, .body = "{\"token\":\"ghs_half"},
        {.match = "access_tokens", .count = 1, .status = 201, .body = "{\"token\":\"a\",\"token\":\"b\"}"},
        {.match = "access_tokens", .count = 1, .result = HTTP_BROKEN},
        {.match = "/installation", .count = 1, .status = 500},
    };
    struct token_fixture *fixture = *state;

    token_fixture_serve(fixture, &fixture->app, 1);
    for (size_t i = 0; i < GL_ARRAY_SIZE(faults); i++) {
        char name[32];
        snprintf(name, sizeof(name), "r%zu", i);
        fixture->github.repositories[3] = (struct fake_repository){.id = 2000 + i, .owner = "Acme", .name = name};
        fixture->github.fault = faults[i];
        char full[40];
        snprintf(full, sizeof(full), "acme/%s", name);
        struct token_asker asker = token_ask_read(fixture, full);
        assert_string_equal(token_reason(&asker), "");
        assert_int_equal(fixture->github.fault.count, 0);
    }
}

static void a_key_that_changes_is_read_again(void **state)
{
    struct token_fixture *fixture = *state;
    EVP_PKEY *next = EVP_RSA_gen(2048), *ec = EVP_EC_gen("P-256");

    token_fixture_serve(fixture, &fixture->app, 1);
    assert_string_equal(token_ask_read(fixture, "acme/widgets").token, "ghs_1");
    token_fixture_write_key(fixture, next);
    assert_string_equal(token_ask_read(fixture, "acme/widgets").token, "ghs_2");
    // One that cannot be used is not taken.
    token_fixture_write_key(fixture, ec);
    assert_string_equal(token_ask_read(fixture, "acme/widgets").token, "ghs_2");
    unlink(fixture->key_path);
    assert_string_equal(token_ask_read(fixture, "acme/widgets").token, "ghs_2");
    EVP_PKEY_free(next);
    EVP_PKEY_free(ec);
}

static void a_bad_key_is_refused_at_start(void **state)
{
    struct token_fixture *fixture = *state;
    struct token_host hosts[2];
    struct token_service_options options = token_fixture_options(fixture, &fixture->app, 1, hosts);
    EVP_PKEY *small = EVP_RSA_gen(1024);
    struct error error = {0};

    token_fixture_write_key(fixture, small);
    assert_null(token_service_new(&options, &error));
    assert_non_null(strstr(error.text, "credential `app`: "));
    assert_non_null(strstr(error.text, fixture->key_path));
    assert_non_null(strstr(error.text, "1024 bits"));
    unlink(fixture->key_path);
    assert_null(token_service_new(&options, &error));
    assert_non_null(strstr(error.text, "No such file"));
    EVP_PKEY_free(small);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TOKEN_TEST(one_repository_is_one_scope),
        TOKEN_TEST(a_user_has_it_too),
        TOKEN_TEST(not_installed_is_said_and_kept),
        TOKEN_TEST(a_clock_that_is_off_is_corrected),
        TOKEN_TEST(an_installation_under_a_new_id),
        TOKEN_TEST(an_installation_that_was_removed),
        TOKEN_TEST(a_renamed_repository_has_its_new_name),
        TOKEN_TEST(a_renamed_owner_too),
        TOKEN_TEST(a_name_of_another_owner_is_never_taken),
        TOKEN_TEST(all_of_an_owner_is_not_all_of_another),
        TOKEN_TEST(an_app_may_have_every_permission),
        TOKEN_TEST(what_is_not_covered_is_said),
        TOKEN_TEST(refusals_have_their_reasons),
        TOKEN_TEST(a_wider_token_is_not_used),
        TOKEN_TEST(a_pinned_installation),
        TOKEN_TEST(the_only_installation),
        TOKEN_TEST(a_rate_limit_stops_all_mints),
        TOKEN_TEST(a_reload_does_not_forget_the_limit),
        TOKEN_TEST(a_limit_without_a_time_grows),
        TOKEN_TEST(a_stumble_is_not_seen),
        TOKEN_TEST(a_key_that_changes_is_read_again),
        TOKEN_TEST(a_bad_key_is_refused_at_start),
    };

    return cmocka_run_group_tests_name("source_app", tests, NULL, NULL);
}
