#include "github_answer.h"

#include "cmocka_unit.h"
#include "mem.h"
#include "secret.h"

static const char minted[] =
    "{\"token\":\"ghs_16C7e42F292c6912E7710c838347Ae178B4a\",\"expires_at\":\"2026-04-01T13:00:00Z\","
    "\"permissions\":{\"contents\":\"write\",\"metadata\":\"read\"},\"repository_selection\":\"selected\","
    "\"repositories\":[{\"id\":1296269,\"name\":\"Widgets\",\"full_name\":\"Acme/Widgets\",\"private\":true,"
    "\"owner\":{\"login\":\"Acme\"}}]}";

static void a_mint_is_read(void **state)
{
    struct token *token;

    assert_non_null(token = github_answer_token(bytes_of_string(minted), NULL, NULL));
    assert_true(secret_equal(token->value, BYTES("ghs_16C7e42F292c6912E7710c838347Ae178B4a")));
    assert_int_equal(token->expires_at.ms, 1775048400000);
    assert_true(token->granted.has_permissions);
    assert_int_equal(token->granted.permissions.count, 2);
    assert_int_equal(permissions_level(&token->granted.permissions, BYTES("contents")), PERMISSION_WRITE);
    assert_int_equal(token->granted.repository_count, 1);
    assert_int_equal(token->granted.repositories[0].id, 1296269);
    assert_string_equal(token->granted.repositories[0].name.owner, "acme");
    assert_string_equal(token->granted.repositories[0].name.name, "widgets");
    token_unref(token);
}

static void what_is_left_out_is_known(void **state)
{
    struct token *token;

    assert_non_null(
        token = github_answer_token(
            BYTES("{\"token\":\"ghs_12345_ey.J-h_b.GciOi\",\"expires_at\":\"2026-04-01T13:00:00Z\"}"), NULL, NULL));
    assert_false(token->granted.has_permissions);
    assert_false(token->granted.has_repositories);
    token_unref(token);
}

static void the_brokers_names_have_no_owner(void **state)
{
    struct bytes body = BYTES("{\"token\":\"t\",\"expires_at\":\"2026-04-01T13:00:00Z\","
                              "\"repositories\":[{\"id\":7,\"name\":\"widgets\"}],\"permissions\":{}}");
    struct token *token;

    assert_non_null(token = github_answer_token(body, "acme", NULL));
    assert_string_equal(token->granted.repositories[0].name.owner, "acme");
    token_unref(token);
    assert_null(github_answer_token(body, NULL, NULL));
}

static void unusable_mints_are_refused(void **state)
{
    static const char *const bodies[] = {
        "",
        "<html>502</html>",
        "{\"token\":\"ghs_a\",\"expires_at\":\"2026-04-01T13:00:00Z\"", // half of it
        "[]",
        "{\"expires_at\":\"2026-04-01T13:00:00Z\"}",
        "{\"token\":\"\",\"expires_at\":\"2026-04-01T13:00:00Z\"}",
        "{\"token\":\"a\\r\\nX-Evil: 1\",\"expires_at\":\"2026-04-01T13:00:00Z\"}",
        "{\"token\":\"a b\",\"expires_at\":\"2026-04-01T13:00:00Z\"}",
        "{\"token\":17,\"expires_at\":\"2026-04-01T13:00:00Z\"}",
        "{\"token\":\"t\"}",
        "{\"token\":\"t\",\"expires_at\":\"soon\"}",
        "{\"token\":\"t\",\"token\":\"u\",\"expires_at\":\"2026-04-01T13:00:00Z\"}",
        "{\"token\":\"t\",\"expires_at\":\"2026-04-01T13:00:00Z\",\"permissions\":{\"contents\":\"owner\"}}",
        "{\"token\":\"t\",\"expires_at\":\"2026-04-01T13:00:00Z\",\"permissions\":[]}",
        "{\"token\":\"t\",\"expires_at\":\"2026-04-01T13:00:00Z\",\"repositories\":{}}",
        "{\"token\":\"t\",\"expires_at\":\"2026-04-01T13:00:00Z\",\"repositories\":[{\"id\":1}]}",
        "{\"token\":\"t\",\"expires_at\":\"2026-04-01T13:00:00Z\","
        "\"repositories\":[{\"id\":-1,\"full_name\":\"a/b\"}]}",
        "{\"token\":\"t\",\"expires_at\":\"2026-04-01T13:00:00Z\","
        "\"repositories\":[{\"id\":1,\"full_name\":\"a/../b\"}]}",
    };

    for (size_t i = 0; i < GL_ARRAY_SIZE(bodies); i++) {
        struct error error = {0};
        assert_null(github_answer_token(bytes_of_string(bodies[i]), NULL, &error));
        assert_true(*error.text);
    }
}

static void a_token_that_is_too_long_is_refused(void **state)
{
    char token[GITHUB_ANSWER_TOKEN_MAX + 2];

    memset(token, 'a', sizeof(token));
    assert_true(github_token_well_formed(bytes_of(token, GITHUB_ANSWER_TOKEN_MAX)));
    assert_false(github_token_well_formed(bytes_of(token, GITHUB_ANSWER_TOKEN_MAX + 1)));
    assert_false(github_token_well_formed(BYTES("caf\xc3\xa9")));
}

static void installations_are_read(void **state)
{
    struct github_installation installation, *all;
    size_t count;

    assert_true(github_answer_installation(BYTES("{\"id\":42,\"account\":{\"login\":\"Acme\"}}"), &installation, NULL));
    assert_int_equal(installation.id, 42);
    assert_string_equal(installation.owner, "acme");
    assert_false(github_answer_installation(BYTES("{\"id\":42}"), &installation, NULL));

    // An enterprise's account has a slug and owns no repositories.
    struct bytes list = BYTES("[{\"id\":1,\"account\":{\"login\":\"acme\"}},{\"id\":2,\"account\":{\"slug\":\"corp\"}},"
                              "{\"id\":3,\"account\":{\"login\":\"globex\"}}]");
    assert_true(github_answer_installations(list, &all, &count, NULL));
    assert_int_equal(count, 2);
    assert_string_equal(all[1].owner, "globex");
    mem_free(all);
    assert_false(github_answer_installations(BYTES("{}"), &all, &count, NULL));
}

static void grants_are_read(void **state)
{
    struct github_grant *all;
    size_t count;

    assert_true(
        github_answer_grants(BYTES("[{\"id\":1,\"account\":{\"login\":\"Acme\"},\"permissions\":{\"issues\":\"read\"}},"
                                   "{\"id\":2,\"account\":{\"slug\":\"corp\"}},"
                                   "{\"id\":3,\"account\":{\"login\":\"globex\"},\"permissions\":{\"a\":\"own\"}},"
                                   "{\"id\":4,\"account\":{\"login\":\"initech\"}}]"),
                             &all, &count, NULL));
    assert_int_equal(count, 3);
    assert_int_equal(all[0].installation.id, 1);
    assert_true(all[0].readable);
    assert_int_equal(permissions_level(&all[0].permissions, BYTES("issues")), PERMISSION_READ);
    // A level that is not known, and none at all: nothing is said about these.
    assert_false(all[1].readable);
    assert_string_equal(all[2].installation.owner, "initech");
    assert_false(all[2].readable);
    mem_free(all);
    assert_false(github_answer_grants(BYTES("{}"), &all, &count, NULL));
}

static void repositories_are_read(void **state)
{
    struct token_repository *page, one;
    size_t count, total;

    assert_true(
        github_answer_repositories(BYTES("{\"total_count\":250,\"repositories\":[{\"id\":1,\"full_name\":\"acme/a\"},"
                                         "{\"id\":2,\"full_name\":\"acme/b.c\"}]}"),
                                   NULL, &page, &count, &total, NULL));
    assert_int_equal(count, 2);
    assert_int_equal(total, 250);
    assert_string_equal(page[1].name.name, "b.c");
    mem_free(page);
    // A broker's names come without their owner: it is the one asked for, else the answer's.
    assert_true(github_answer_repositories(
        BYTES("{\"owner\":\"globex\",\"total_count\":1,\"repositories\":[{\"id\":1,\"name\":\"ray\"}]}"), "acme", &page,
        &count, &total, NULL));
    assert_string_equal(page[0].name.owner, "acme");
    mem_free(page);
    assert_true(github_answer_repositories(
        BYTES("{\"owner\":\"globex\",\"total_count\":1,\"repositories\":[{\"id\":1,\"name\":\"ray\"}]}"), "", &page,
        &count, &total, NULL));
    assert_string_equal(page[0].name.owner, "globex");
    mem_free(page);
    assert_false(github_answer_repositories(BYTES("{\"repositories\":[]}"), NULL, &page, &count, &total, NULL));
    assert_true(github_answer_repository(BYTES("{\"id\":9,\"full_name\":\"acme/new\"}"), &one, NULL));
    assert_string_equal(one.name.name, "new");
    assert_false(github_answer_repository(BYTES("{\"message\":\"Not Found\"}"), &one, NULL));
}

static void a_message_is_quoted(void **state)
{
    char message[8];

    github_answer_message(BYTES("{\"message\":\"Bad credentials\"}"), message, sizeof(message));
    assert_string_equal(message, "Bad cre");
    github_answer_message(BYTES("<html>"), message, sizeof(message));
    assert_string_equal(message, "");
    github_answer_message(BYTES("{\"message\":7}"), message, sizeof(message));
    assert_string_equal(message, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_mint_is_read),
        cmocka_unit_test(what_is_left_out_is_known),
        cmocka_unit_test(the_brokers_names_have_no_owner),
        cmocka_unit_test(unusable_mints_are_refused),
        cmocka_unit_test(a_token_that_is_too_long_is_refused),
        cmocka_unit_test(installations_are_read),
        cmocka_unit_test(grants_are_read),
        cmocka_unit_test(repositories_are_read),
        cmocka_unit_test(a_message_is_quoted),
    };

    return cmocka_run_group_tests_name("github_answer", tests, NULL, NULL);
}
