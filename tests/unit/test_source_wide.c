// `file`, `environment` and `platform`: one wide token.
#include "token_fixture.h"

static struct token_asker ask(struct token_fixture *fixture)
{
    return token_ask_read(fixture, "acme/widgets");
}

// file

static struct credential_options file_at(struct token_fixture *fixture)
{
    return (struct credential_options){.type = CREDENTIAL_FILE, .path = fixture->key_path};
}

static void a_file_is_read_again_when_it_changes(void **state)
{
    struct token_fixture *fixture = *state;
    struct credential_options credential = file_at(fixture);
    struct token_asker asker;

    test_key_write(fixture->key_path, "github_pat_one\n");
    token_fixture_serve(fixture, &credential, 1);
    asker = ask(fixture);
    assert_string_equal(asker.token, "github_pat_one");
    assert_string_equal(asker.source, "file");
    assert_true(asker.given->granted.wide);
    assert_int_equal(asker.given->expires_at.ms, INT64_MAX);
    // It was there before us: of no known age, and so not young.
    assert_int_equal(token_age_ms(asker.given, fixture->manual.mono_now), INT64_MAX);
    token_fixture_run(fixture, HOUR_MS);
    assert_int_equal(token_age_ms(ask(fixture).given, fixture->manual.mono_now), INT64_MAX);

    test_key_write(fixture->key_path, "  github_pat_two\r\n");
    asker = ask(fixture);
    assert_string_equal(asker.token, "github_pat_two");
    assert_in_range(token_age_ms(asker.given, fixture->manual.mono_now), 0, SECOND_MS);
    token_fixture_run(fixture, MINUTE_MS);
    assert_in_range(token_age_ms(ask(fixture).given, fixture->manual.mono_now), MINUTE_MS, MINUTE_MS + SECOND_MS);
    // One token, however many repositories.
    token_ask_read(fixture, "acme/gadgets");
    assert_int_equal(fixture->events, 3); // the first one was let go after an hour
}

// The short way to a token that is there looks at the file once a millisecond.
static void a_file_that_changes_is_seen_by_a_look(void **state)
{
    struct token_fixture *fixture = *state;
    struct credential_options credential = file_at(fixture);
    struct scope scope = token_scope(fixture, "acme/widgets", "contents", PERMISSION_READ);
    struct token *token;

    test_key_write(fixture->key_path, "github_pat_one");
    token_fixture_serve(fixture, &credential, 1);
    token_ask(fixture, &scope);
    assert_non_null(token = token_service_look(fixture->service, &scope));
    test_key_write(fixture->key_path, "github_pat_other");
    token_fixture_run(fixture, 1);
    assert_null(token_service_look(fixture->service, &scope));
    token_ask(fixture, &scope);
    assert_non_null(token = token_service_look(fixture->service, &scope));
    assert_true(secret_equal(token->value, BYTES("github_pat_other")));
    test_key_write(fixture->key_path, "");
    token_fixture_run(fixture, 1);
    assert_null(token_service_look(fixture->service, &scope));
}

static void a_file_that_holds_no_token(void **state)
{
    static const struct {
        const char *text, *reason, *word;
    } cases[] = {
        {"", "no_credential", "is empty"},
        {" \n", "no_credential", "is empty"},
        {"two words", "token_source", "one word"},
        {"line\r\nX-Evil: yes", "token_source", "one word"},
    };
    struct token_fixture *fixture = *state;
    struct credential_options credential = file_at(fixture);
    struct token_asker asker;

    token_fixture_serve(fixture, &credential, 1);
    for (size_t i = 0; i < GL_ARRAY_SIZE(cases); i++) {
        test_key_write(fixture->key_path, cases[i].text);
        asker = ask(fixture);
        assert_string_equal(token_reason(&asker), cases[i].reason);
        assert_non_null(strstr(asker.verdict.sentence, cases[i].word));
        assert_non_null(strstr(asker.verdict.sentence, fixture->key_path));
    }
    unlink(fixture->key_path);
    asker = ask(fixture);
    assert_string_equal(token_reason(&asker), "no_credential");
    assert_non_null(strstr(asker.verdict.sentence, "No such file"));
    // There at last.
    test_key_write(fixture->key_path, "github_pat_one");
    asker = ask(fixture);
    assert_string_equal(asker.token, "github_pat_one");
    assert_in_range(token_age_ms(asker.given, fixture->manual.mono_now), 0, SECOND_MS);
}

static void a_dead_file_token_does_not_look_young(void **state)
{
    struct token_fixture *fixture = *state;
    struct credential_options credential = file_at(fixture);

    test_key_write(fixture->key_path, "github_pat_dead");
    token_fixture_serve(fixture, &credential, 1);
    ask(fixture);
    token_fixture_run(fixture, MINUTE_MS);
    struct token_asker asker = ask(fixture);
    token_service_rejected(fixture->service, asker.given);
    // Given again as it is, but not taken for one that has still to reach GitHub's replicas.
    asker = ask(fixture);
    assert_string_equal(asker.token, "github_pat_dead");
    assert_true(token_age_ms(asker.given, fixture->manual.mono_now) >= MINUTE_MS);
}

// environment

static void a_variable_is_read_once(void **state)
{
    struct token_fixture *fixture = *state;
    char name[] = "GITLATCH_UNIT_TOKEN";
    struct credential_options credential = {.type = CREDENTIAL_ENVIRONMENT, .name = name};

    setenv(name, "gho_one", 1);
    token_fixture_serve(fixture, &credential, 1);
    setenv(name, "gho_two", 1);
    assert_string_equal(ask(fixture).token, "gho_one");
    unsetenv(name);
}

// platform

static struct {
    int status;
    char body[256];
    char url[256], bearer[64], method[8];
    unsigned calls;
} platform;

static bool platform_answers(struct fake_github *github, struct http_request *request, const struct http_call *call)
{
    if (!strstr(call->url, "platform"))
        return false;
    platform.calls++;
    snprintf(platform.url, sizeof(platform.url), "%s", call->url);
    snprintf(platform.method, sizeof(platform.method), "%s", call->method);
    snprintf(platform.bearer, sizeof(platform.bearer), "%.*s", (int)call->bearer.size, call->bearer.data);
    assert_null(call->tls);
    fake_say(request, platform.status, "%s", platform.body);
    return true;
}

static char platform_url[] = "http://platform:8080/admin/github-installation-token";

static void serve_platform(struct token_fixture *fixture, char *url)
{
    struct credential_options credential = {.type = CREDENTIAL_PLATFORM, .url = url, .token_file = fixture->key_path};

    memset(&platform, 0, sizeof(platform));
    platform.status = 200;
    snprintf(platform.body, sizeof(platform.body),
             "{\"token\":\"ghs_platform\",\"expires_at\":\"2025-11-24T16:40:00Z\"}");
    fixture->github.other = platform_answers;
    test_key_write(fixture->key_path, "admin-token\n");
    token_fixture_serve(fixture, &credential, 1);
}

static void a_platform_gives_one_token_an_owner(void **state)
{
    struct token_fixture *fixture = *state;

    serve_platform(fixture, platform_url);
    struct token_asker asker = ask(fixture);
    assert_string_equal(asker.token, "ghs_platform");
    assert_string_equal(asker.source, "platform");
    assert_true(asker.given->granted.wide);
    assert_string_equal(platform.url, "http://platform:8080/admin/github-installation-token?owner=acme");
    assert_string_equal(platform.method, "GET");
    assert_string_equal(platform.bearer, "admin-token");
    token_ask_read(fixture, "acme/gadgets");
    assert_int_equal(platform.calls, 1);
    token_ask_read(fixture, "globex/ray");
    assert_int_equal(platform.calls, 2);
    // It ends in 40 minutes, and is asked for anew before.
    test_key_write(fixture->key_path, "admin-token-2\n");
    token_fixture_run(fixture, 28 * MINUTE_MS);
    ask(fixture);
    assert_int_equal(platform.calls, 2);
    token_fixture_run(fixture, 4 * MINUTE_MS);
    assert_int_equal(platform.calls, 3);
    assert_string_equal(platform.bearer, "admin-token-2");
}

static void a_platform_with_a_query(void **state)
{
    struct token_fixture *fixture = *state;
    char url[] = "http://platform:8080/token?app=7";

    serve_platform(fixture, url);
    ask(fixture);
    assert_string_equal(platform.url, "http://platform:8080/token?app=7&owner=acme");
}

static void a_platform_that_gives_none(void **state)
{
    static const struct {
        int status;
        const char *body, *reason;
    } cases[] = {
        {404, "", "not_installed"},
        {401, "", "bad_credential"},
        {400, "{\"error\":\"owner\"}", "owner"},
        {500, "", "token_unreachable"},
        {429, "", "token_unreachable"},
        {302, "", "token_source"},
        {200, "<html>login</html>", "token_source"},
        {200, "{\"token\":\"t\"}", "token_source"},
    };
    struct token_fixture *fixture = *state;

    for (size_t i = 0; i < GL_ARRAY_SIZE(cases); i++) {
        serve_platform(fixture, platform_url);
        platform.status = cases[i].status;
        snprintf(platform.body, sizeof(platform.body), "%s", cases[i].body);
        struct token_asker asker = ask(fixture);
        assert_string_equal(token_reason(&asker), cases[i].reason);
        token_service_unref(fixture->service);
        fixture->service = NULL;
    }
    serve_platform(fixture, platform_url);
    unlink(fixture->key_path);
    struct token_asker asker = ask(fixture);
    assert_string_equal(token_reason(&asker), "no_credential");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TOKEN_TEST(a_file_is_read_again_when_it_changes),
        TOKEN_TEST(a_file_that_changes_is_seen_by_a_look),
        TOKEN_TEST(a_file_that_holds_no_token),
        TOKEN_TEST(a_dead_file_token_does_not_look_young),
        TOKEN_TEST(a_variable_is_read_once),
        TOKEN_TEST(a_platform_gives_one_token_an_owner),
        TOKEN_TEST(a_platform_with_a_query),
        TOKEN_TEST(a_platform_that_gives_none),
    };

    return cmocka_run_group_tests_name("source_wide", tests, NULL, NULL);
}
