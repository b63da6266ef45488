#include "broker_unit.h"
#include "text.h"
#include "token_question.h"

static struct config *config;

static int set_up(void **state)
{
    config = broker_unit_config("[]");
    return 0;
}

static int tear_down(void **state)
{
    config_unref(config);
    return 0;
}

static void test_normal(void **state)
{
    struct token_question question;
    struct text label = {0};
    struct error error;

    assert_true(token_question_parse(
        BYTES("{\"host\":\"GitHub.com\",\"owner\":\"Acme\",\"repositories\":[\"Widgets.git\",\"gadgets\",\"WIDGETS\"],"
              "\"permissions\":{\"contents\":\"write\",\"issues\":\"read\"}}"),
        config, &question, &error));
    assert_string_equal(question.host->web, "github.com");
    assert_string_equal(question.owner, "acme");
    assert_int_equal(question.count, 2);
    assert_string_equal(question.names[0].name, "gadgets");
    assert_string_equal(question.names[1].name, "widgets");
    token_question_label(&question, &label);
    assert_string_equal(text_string(&label), "acme (2 repositories) contents:write,issues:read");
    token_question_clear(&question);
    text_free(&label);
}

static void test_a_rejected_token_is_named(void **state)
{
    struct token_question question;
    struct error error;

    assert_true(
        token_question_parse(BYTES("{\"owner\":\"acme\",\"rejected\":\"0123456789ab\"}"), config, &question, &error));
    assert_string_equal(question.rejected, "0123456789ab");
    token_question_clear(&question);
    assert_true(token_question_parse(BYTES("{\"owner\":\"acme\"}"), config, &question, &error));
    assert_string_equal(question.rejected, "");
    token_question_clear(&question);
}

// A token for nothing in particular reads metadata; it is never one for all permissions.
static void test_no_permissions_are_metadata(void **state)
{
    struct token_question question;
    struct error error;

    assert_true(token_question_parse(BYTES("{\"owner\":\"acme\",\"permissions\":{}}"), config, &question, &error));
    assert_int_equal(question.permissions.count, 1);
    assert_int_equal(permissions_level(&question.permissions, BYTES("metadata")), PERMISSION_READ);
    assert_null(question.names);
    token_question_clear(&question);
}

static void test_refused(void **state)
{
    static const char *const bodies[] = {
        "",
        "[]",
        "null",
        "{\"owner\":\"acme\"",
        "{\"owner\":\"acme\",\"owner\":\"evil\"}",
        "{\"owner\":\"acme\",\"repository_ids\":[1]}",
        "{\"owner\":7}",
        "{\"owner\":\"a/b\"}",
        "{\"owner\":\"acme%2f\"}",
        "{\"host\":\"evil.test\",\"owner\":\"acme\"}",
        "{\"host\":1,\"owner\":\"acme\"}",
        "{\"owner\":\"acme\",\"repositories\":[]}", // GitHub would take it for all
        "{\"owner\":\"acme\",\"repositories\":\"widgets\"}",
        "{\"owner\":\"acme\",\"repositories\":[\"..\"]}",
        "{\"owner\":\"acme\",\"repositories\":[\"other/widgets\"]}",
        "{\"owner\":\"acme\",\"repositories\":[\"widgets\",null]}",
        "{\"repositories\":[\"widgets\"]}",
        "{\"owner\":\"\",\"repositories\":[\"widgets\"]}",
        "{\"owner\":\"acme\",\"permissions\":[\"contents\"]}",
        "{\"owner\":\"acme\",\"permissions\":{\"contents\":\"all\"}}",
        "{\"owner\":\"acme\",\"permissions\":{\"contents\":true}}",
        "{\"owner\":\"acme\",\"permissions\":{\"Contents\":\"read\"}}",
        "{\"owner\":\"acme\",\"permissions\":{\"contents\\u0000\":\"read\"}}",
        "{\"owner\":\"acme\",\"rejected\":\"\"}",
        "{\"owner\":\"acme\",\"rejected\":null}",
        "{\"owner\":\"acme\",\"rejected\":\"0123456789aB\"}",
        "{\"owner\":\"acme\",\"rejected\":\"0123456789abc\"}",
        "{\"owner\":\"acme\",\"rejected\":\"01234\\u0000789abc\"}",
        "{\"owner\":\"acme\",\"rejected\":\"ghs_abcdefgh\"}",
    };

    for (size_t i = 0; i < GL_ARRAY_SIZE(bodies); i++) {
        struct token_question question;
        struct error error;

        if (token_question_parse(bytes_of_string(bodies[i]), config, &question, &error))
            fail_msg("%s", bodies[i]);
    }
}

// GitHub takes 500 names; one more is not asked for.
static void test_500_names(void **state)
{
    struct token_question question;
    struct text body = {0};
    struct error error;

    for (int count = 500; count <= 501; count++) {
        text_clear(&body);
        text_append(&body, "{\"owner\":\"acme\",\"repositories\":[");
        for (int i = 0; i < count; i++)
            text_format(&body, "%s\"r%d\"", i ? "," : "", i);
        text_append(&body, "]}");
        assert_int_equal(token_question_parse(text_bytes(&body), config, &question, &error), count == 500);
        if (count == 500) {
            assert_int_equal(question.count, 500);
            token_question_clear(&question);
        }
    }
    text_free(&body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_normal),
        cmocka_unit_test(test_no_permissions_are_metadata),
        cmocka_unit_test(test_a_rejected_token_is_named),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_500_names),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
