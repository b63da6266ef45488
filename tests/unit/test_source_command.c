// `command` and `sign_command`, with real commands.
#include <event2/event.h>

#include "spawner.h"
#include "token_fixture.h"

// execvp takes no const, and writes to none of it.
#define WORD(literal) ((char *)(uintptr_t)(literal))

enum { PRINTS, FAILS, JUNK, SIGNS, SIGNS_NOT, COMMANDS };

static char key_path[] = "/tmp/gitlatch-unit-sign.pem.XXXXXX";
static char *prints[] = {WORD("sh"), WORD("-c"), WORD("echo gho_printed"), NULL};
static char *fails[] = {WORD("sh"), WORD("-c"), WORD("echo not logged in >&2; exit 4"), NULL};
static char *junk[] = {WORD("echo"), WORD("two words"), NULL};
static char *signs[] = {WORD("openssl"), WORD("dgst"), WORD("-sha256"), WORD("-sign"), key_path, NULL};
static char *signs_not[] = {WORD("echo"), WORD("access denied"), NULL};
static char *unknown[] = {WORD("rm"), WORD("-rf"), NULL};

static struct spawner *spawner;

static int set_up(void **state)
{
    char *const *const commands[COMMANDS] = {prints, fails, junk, signs, signs_not};
    struct error error;

    spawner = spawner_new(commands, COMMANDS, &error);
    assert_non_null(spawner);
    assert_int_equal(token_fixture_set_up(state), 0);
    spawner_attach(spawner, ((struct token_fixture *)*state)->loop);
    return 0;
}

static int tear_down(void **state)
{
    struct token_fixture *fixture = *state;

    token_service_unref(fixture->service);
    fixture->service = NULL;
    spawner_free(spawner);
    return token_fixture_tear_down(state);
}

static struct token_service *service_of(struct token_fixture *fixture, struct credential_options *credential,
                                        struct error *error)
{
    struct token_host hosts[2];
    struct token_service_options options = token_fixture_options(fixture, credential, 1, hosts);

    options.spawner = spawner;
    return token_service_new(&options, error);
}

// Asks; the commands take real time.
static struct token_asker ask(struct token_fixture *fixture)
{
    struct scope scope = token_scope(fixture, "acme/widgets", "contents", PERMISSION_READ);
    struct token_asker asker = {0};

    asker.request = token_service_ask(fixture->service, &scope, token_asker_done, &asker);
    for (int i = 0; i < 10000 && !asker.answers; i++) {
        event_base_loop(loop_event_base(fixture->loop), EVLOOP_NONBLOCK);
        token_fixture_run(fixture, 1);
        usleep(1000);
    }
    assert_int_equal(asker.answers, 1);
    return asker;
}

static void a_command_prints_a_token(void **state)
{
    struct token_fixture *fixture = *state;
    struct credential_options credential = {.type = CREDENTIAL_COMMAND, .argv = prints, .lifetime_ms = 55 * MINUTE_MS};

    fixture->service = service_of(fixture, &credential, NULL);
    struct token_asker asker = ask(fixture);
    assert_string_equal(asker.token, "gho_printed");
    assert_string_equal(asker.source, "command");
    assert_true(asker.given->granted.wide);
    assert_in_range(asker.given->expires_at.ms - fixture->manual.wall_now.ms, 54 * MINUTE_MS, 55 * MINUTE_MS);
    ask(fixture);
    assert_int_equal(fixture->events, 1);
    // Its life is taken to be over.
    token_fixture_run(fixture, 56 * MINUTE_MS);
    ask(fixture);
    assert_int_equal(fixture->events, 2);
}

static void a_command_that_fails_is_quoted(void **state)
{
    struct token_fixture *fixture = *state;
    struct credential_options credential = {.type = CREDENTIAL_COMMAND, .argv = fails};

    fixture->service = service_of(fixture, &credential, NULL);
    struct token_asker asker = ask(fixture);
    assert_string_equal(token_reason(&asker), "token_unreachable");
    assert_non_null(strstr(asker.verdict.sentence, "not logged in"));
    assert_int_equal(fixture->events, 1);
    token_service_unref(fixture->service);
    credential.argv = junk;
    fixture->service = service_of(fixture, &credential, NULL);
    asker = ask(fixture);
    assert_string_equal(token_reason(&asker), "token_source");
    assert_null(strstr(asker.verdict.sentence, "two words"));
}

static void a_command_of_which_the_spawner_knows_nothing(void **state)
{
    struct token_fixture *fixture = *state;
    struct credential_options credential = {.type = CREDENTIAL_COMMAND, .argv = unknown};
    struct error error;

    assert_null(service_of(fixture, &credential, &error));
    assert_non_null(strstr(error.text, "credential `command`"));
}

static void a_key_that_is_kept_elsewhere(void **state)
{
    struct token_fixture *fixture = *state;
    struct test_key_pem pem = test_key_pem(token_fixture_key, TEST_KEY_PKCS8);
    char app_id[] = "12345";
    struct credential_options credential = {.type = CREDENTIAL_APP, .app_id = app_id, .sign_command = signs};

    test_key_write(key_path, pem.text);
    fixture->service = service_of(fixture, &credential, NULL);
    struct token_asker asker = ask(fixture);
    assert_string_equal(asker.token, "ghs_1");
    unlink(key_path);
    // Signed once for both calls, the lookup and the mint.
    assert_int_equal(fixture->github.calls, 2);
}

static void a_signer_that_does_not_sign(void **state)
{
    struct token_fixture *fixture = *state;
    char app_id[] = "12345";
    struct credential_options credential = {.type = CREDENTIAL_APP, .app_id = app_id, .sign_command = signs_not};

    fixture->service = service_of(fixture, &credential, NULL);
    struct token_asker asker = ask(fixture);
    assert_string_equal(token_reason(&asker), "app_key");
    assert_non_null(strstr(asker.verdict.sentence, "no RSA signature"));
    assert_int_equal(fixture->github.calls, 0);
}

#define COMMAND_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        COMMAND_TEST(a_command_prints_a_token),
        COMMAND_TEST(a_command_that_fails_is_quoted),
        COMMAND_TEST(a_command_of_which_the_spawner_knows_nothing),
        COMMAND_TEST(a_key_that_is_kept_elsewhere),
        COMMAND_TEST(a_signer_that_does_not_sign),
    };
    int descriptor = mkstemp(key_path);

    assert_true(descriptor >= 0);
    close(descriptor);
    int failed = cmocka_run_group_tests_name("source_command", tests, NULL, NULL);
    unlink(key_path);
    return failed;
}
