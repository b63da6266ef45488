#include "grants.h"

#include <string.h>

#include "broker_unit.h"
#include "text.h"

// Asks as `body` says, and gives the status: 200, or that of the refusal.
static struct verdict verdict;
static struct token_question question;

static int ask(const struct config *config, const struct caller *caller, const char *body)
{
    struct error error;

    token_question_clear(&question);
    if (!token_question_parse(bytes_of_string(body), config, &question, &error))
        fail_msg("%s: %s", body, error.text);
    return grants_allow(&config->broker, caller, &question, &verdict) ? 200 : verdict_status(&verdict);
}

// One rule of one grant, for both audiences; what contents and issues are granted for acme/widgets.
struct row {
    const char *rule;
    const char *sidecar; // all that is granted
    const char *holder;
};

static const struct row rows[] = {
    {"fetch: true", "contents:read", "contents:read"},
    {"fetch: false", "", ""},
    {"push: true", "contents:write", ""},
    {"fetch: true, push: true, delete: true", "contents:write", "contents:write"},
    // What a token alone cannot keep: no write for who holds it.
    {"fetch: true, push: true", "contents:write", "contents:read"},
    {"fetch: true, push: [refs/heads/agent/*]", "contents:write", "contents:read"},
    {"fetch: true, push: [refs/heads/agent/*], delete: true", "contents:write", "contents:read"},
    {"fetch: true, push: true, delete: [refs/heads/agent/*]", "contents:write", "contents:read"},
    {"fetch: true, push: true, delete: true, create: false", "contents:write", "contents:read"},
    {"fetch: true, push: true, delete: true, max_pack: 1MiB", "contents:write", "contents:read"},
    {"delete: [refs/heads/agent/*]", "contents:write", ""},
    {"permissions: {issues: write}", "issues:write", "issues:write"},
    {"fetch: true, permissions: {issues: write}, paths: [\"issues/**\"]", "contents:read,issues:write",
     "contents:read"},
    {"fetch: true, push: true, delete: true, permissions: {workflows: write}", "contents:write,workflows:write",
     "contents:write,workflows:write"},
    // The operator said so.
    {"push: [refs/heads/x], permissions: {contents: write}, accept_bypass: true", "contents:write", "contents:write"},
};

static void test_permissions_of_a_rule(void **state)
{
    for (size_t i = 0; i < GL_ARRAY_SIZE(rows); i++) {
        char *grants =
            mem_format("[{namespace: n, service_account: s, repositories: [{match: acme/widgets, %s}]}]", rows[i].rule);
        struct config *config = broker_unit_config(grants);
        const struct rule *rule = &config->broker.grants[0].rules.rules[0];
        struct permissions granted;
        char text[256];

        grants_permissions(rule, false, &granted);
        permissions_format(&granted, text, sizeof(text));
        if (strcmp(text, rows[i].sidecar) != 0)
            fail_msg("%s: a sidecar gets \"%s\", not \"%s\"", rows[i].rule, text, rows[i].sidecar);
        grants_permissions(rule, true, &granted);
        permissions_format(&granted, text, sizeof(text));
        if (strcmp(text, rows[i].holder) != 0)
            fail_msg("%s: a holder gets \"%s\", not \"%s\"", rows[i].rule, text, rows[i].holder);
        config_unref(config);
        mem_free(grants);
    }
}

static const char teams[] =
    "\n    - {namespace: team-a, service_account: workspace,"
    " repositories: [{match: \"acme/*\", fetch: true, push: [refs/heads/agent/*]}]}"
    "\n    - {audience: gitlatch-credential, namespace: team-a, service_account: workspace,"
    " repositories: [{match: \"acme/*\", fetch: true, push: [refs/heads/agent/*]}]}"
    "\n    - {namespace: team-a, service_account: workspace,"
    " repositories: [{match: acme/widgets, permissions: {issues: write}}, {match: globex/lib, fetch: true}]}"
    "\n    - {namespace: team-b, service_account: ci, repositories: [{match: acme/gadgets, fetch: true}]}";

static void test_who_may_ask(void **state)
{
    static const char fetch_widgets[] =
        "{\"owner\":\"acme\",\"repositories\":[\"widgets\"],\"permissions\":{\"contents\":\"read\"}}";
    struct config *config = broker_unit_config(teams);
    const struct {
        const char *audience, *namespace, *account;
        int status;
    } callers[] = {
        {"gitlatch", "team-a", "workspace", 200},
        {"gitlatch-credential", "team-a", "workspace", 200},
        {"gitlatch", "team-a", "default", 403},
        {"gitlatch", "team-b", "workspace", 403},
        {"gitlatch", "team-b", "ci", 403},            // has another repository
        {"gitlatch-credential", "team-b", "ci", 403}, // has a grant of the other audience
        {"gitlatch", "Team-A", "workspace", 403},
    };

    for (size_t i = 0; i < GL_ARRAY_SIZE(callers); i++) {
        struct caller caller = broker_unit_caller(callers[i].audience, callers[i].namespace, callers[i].account);
        assert_int_equal(ask(config, &caller, fetch_widgets), callers[i].status);
    }
    config_unref(config);
}

static void test_refusal_names_what_is_missing(void **state)
{
    struct config *config = broker_unit_config(teams);
    struct caller sidecar = broker_unit_caller("gitlatch", "team-a", "workspace");
    struct caller holder = broker_unit_caller("gitlatch-credential", "team-a", "workspace");

    assert_int_equal(ask(config, &sidecar,
                         "{\"owner\":\"acme\",\"repositories\":[\"widgets\"],\"permissions\":"
                         "{\"contents\":\"write\",\"pull_requests\":\"write\",\"issues\":\"read\"}}"),
                     403);
    assert_string_equal(verdict.sentence,
                        "team-a/workspace is not granted issues:read,pull_requests:write for acme/widgets");
    assert_int_equal(verdict.reason, REASON_BROKER_DENIED);
    assert_int_equal(ask(config, &sidecar, "{\"owner\":\"initech\",\"repositories\":[\"tps\"]}"), 403);
    assert_string_equal(verdict.sentence, "team-a/workspace is not granted metadata:read for initech/tps: no grant "
                                          "of its audience names that repository");
    assert_int_equal(ask(config, &holder,
                         "{\"owner\":\"acme\",\"repositories\":[\"widgets\"],\"permissions\":"
                         "{\"contents\":\"write\"}}"),
                     403);
    assert_string_equal(verdict.sentence, "team-a/workspace is not granted contents:write for acme/widgets: a caller "
                                          "that holds the token itself is granted only what no ref pattern, `delete`, "
                                          "`create`, `max_pack` or `paths` narrows");
    config_unref(config);
}

// The first rule of all grants decides, as it will in the sidecar: a later, wider one does not widen it.
static void test_first_rule_decides_over_all_grants(void **state)
{
    struct config *config = broker_unit_config(teams);
    struct caller caller = broker_unit_caller("gitlatch", "team-a", "workspace");

    assert_int_equal(ask(config, &caller,
                         "{\"owner\":\"acme\",\"repositories\":[\"widgets\"],\"permissions\":"
                         "{\"issues\":\"write\"}}"),
                     403);
    assert_int_equal(ask(config, &caller,
                         "{\"owner\":\"globex\",\"repositories\":[\"lib\"],\"permissions\":"
                         "{\"contents\":\"read\"}}"),
                     200);
    config_unref(config);
}

static void test_each_of_several_repositories_must_be_granted(void **state)
{
    struct config *config = broker_unit_config(teams);
    struct caller caller = broker_unit_caller("gitlatch", "team-b", "ci");

    assert_int_equal(ask(config, &caller,
                         "{\"owner\":\"acme\",\"repositories\":[\"gadgets\"],\"permissions\":"
                         "{\"contents\":\"read\",\"metadata\":\"read\"}}"),
                     200);
    assert_int_equal(ask(config, &caller, "{\"owner\":\"ACME\",\"repositories\":[\"Gadgets.git\",\"gadgets\"]}"), 200);
    assert_int_equal(question.count, 1);
    assert_int_equal(ask(config, &caller, "{\"owner\":\"acme\",\"repositories\":[\"gadgets\",\"widgets\"]}"), 403);
    assert_non_null(strstr(verdict.sentence, "acme/widgets"));
    config_unref(config);
}

// A whole installation: only for listing, only to a sidecar, only where it has a rule.
// A token without names would be good for repositories that no grant of the caller holds.
static void test_no_token_without_names(void **state)
{
    struct config *config = broker_unit_config(teams);
    struct caller sidecar = broker_unit_caller("gitlatch", "team-a", "workspace");
    struct caller other = broker_unit_caller("gitlatch", "team-b", "ci");
    struct caller holder = broker_unit_caller("gitlatch-credential", "team-a", "workspace");
    static const char *const questions[] = {
        "{\"owner\":\"acme\",\"permissions\":{\"metadata\":\"read\"}}",
        "{\"owner\":\"acme\",\"permissions\":{\"contents\":\"read\"}}",
        "{\"owner\":\"acme\"}",
        "{}",
    };

    for (size_t i = 0; i < GL_ARRAY_SIZE(questions); i++) {
        assert_int_equal(ask(config, &sidecar, questions[i]), 403);
        assert_non_null(strstr(verdict.sentence, "name its `repositories`"));
        assert_int_equal(ask(config, &other, questions[i]), 403);
        assert_int_equal(ask(config, &holder, questions[i]), 403);
    }
    config_unref(config);
}

static int ask_listing(const struct config *config, const struct caller *caller, const char *body)
{
    struct error error;

    token_question_clear(&question);
    if (!token_question_parse_listing(bytes_of_string(body), config, &question, &error))
        return 400;
    return grants_allow_listing(&config->broker, caller, &question, &verdict) ? 200 : verdict_status(&verdict);
}

static void test_listing(void **state)
{
    struct config *config = broker_unit_config(teams);
    struct caller sidecar = broker_unit_caller("gitlatch", "team-a", "workspace");
    struct caller other = broker_unit_caller("gitlatch", "team-b", "ci");

    assert_int_equal(ask_listing(config, &sidecar, "{\"owner\":\"acme\"}"), 200);
    assert_int_equal(question.page, 1);
    assert_int_equal(ask_listing(config, &sidecar, "{\"owner\":\"acme\",\"page\":20}"), 200);
    assert_int_equal(question.page, 20);
    assert_int_equal(ask_listing(config, &sidecar, "{\"owner\":\"initech\"}"), 403);
    assert_int_equal(ask_listing(config, &other, "{\"owner\":\"globex\"}"), 403);
    // An owner is found where the rules name one alone.
    assert_int_equal(ask_listing(config, &other, "{}"), 200);
    assert_string_equal(question.owner, "acme");
    assert_int_equal(ask_listing(config, &sidecar, "{}"), 400);
    static const char *const odd[] = {
        "{\"owner\":\"acme\",\"page\":0}",
        "{\"owner\":\"acme\",\"page\":21}",
        "{\"owner\":\"acme\",\"page\":\"1\"}",
        "{\"owner\":\"acme\",\"repositories\":[\"widgets\"]}",
        "{\"owner\":\"acme\",\"permissions\":{\"metadata\":\"read\"}}",
    };
    for (size_t i = 0; i < GL_ARRAY_SIZE(odd); i++)
        assert_int_equal(ask_listing(config, &sidecar, odd[i]), 400);
    config_unref(config);
}

static void test_names_that_are_held(void **state)
{
    struct config *config = broker_unit_config(
        "\n    - {namespace: team-a, service_account: workspace,"
        " repositories: [{match: acme/secret, fetch: false}, {match: \"acme/a*\", permissions: {issues: read}}]}");
    struct caller caller = broker_unit_caller("gitlatch", "team-a", "workspace");
    const struct {
        struct repository_name name;
        bool held;
    } names[] = {
        {{.owner = "acme", .name = "apple"}, true},
        {{.owner = "acme", .name = "secret"}, false}, // its rule gives nothing
        {{.owner = "acme", .name = "widgets"}, false},
        {{.owner = "globex", .name = "apple"}, false},
    };

    for (size_t i = 0; i < GL_ARRAY_SIZE(names); i++)
        assert_int_equal(grants_hold(&config->broker, &caller, &names[i].name), names[i].held);
    config_unref(config);
}

// What /v1/rules answers is read by the configuration's own parser, and means the same.
static void test_rules_go_round(void **state)
{
    static const char all_keys[] =
        "[{namespace: n, service_account: s, repositories: ["
        "{match: Acme/Widgets, fetch: true, push: [refs/heads/agent/*, \"refs/tags/v\\\"1\"], delete: [refs/heads/agent/*],"
        " permissions: {pull_requests: write, contents: write}, paths: [\"pulls/**\"], create: false,"
        " max_pack: 1536MiB, accept_bypass: true},"
        "{match: \"acme/*\", push: true, delete: true, graphql: true}]}]";
    struct config *config = broker_unit_config(all_keys), *read;
    struct caller caller = broker_unit_caller("gitlatch", "n", "s"), stranger =
                                                                         broker_unit_caller("gitlatch", "n", "x");
    struct text first = {0}, second = {0};
    struct error error;

    grants_describe(&config->broker, &caller, &first);
    if (!config_parse(text_bytes(&first), "answer", CONFIG_FOR_RUN, &read, &error))
        fail_msg("%s", error.text);
    assert_int_equal(read->rules.count, 2);
    // What was read is written as it came: nothing was lost.
    struct config_grant grant = config->broker.grants[0];
    grant.rules = read->rules;
    grants_describe(&(struct config_broker){.grants = &grant, .grant_count = 1}, &caller, &second);
    assert_string_equal(text_string(&first), text_string(&second));
    assert_string_equal(text_string(&first),
                        "{\"repositories\":[{\"match\":\"acme/widgets\",\"accept_bypass\":true,\"create\":false,"
                        "\"delete\":[\"refs/heads/agent/*\"],\"fetch\":true,\"max_pack\":\"1536MiB\","
                        "\"paths\":[\"pulls/**\"],\"permissions\":{\"contents\":\"write\",\"pull_requests\":\"write\"},"
                        "\"push\":[\"refs/heads/agent/*\",\"refs/tags/v\\\"1\"]},"
                        "{\"match\":\"acme/*\",\"delete\":true,\"graphql\":true,\"push\":true}]}\n");
    config_unref(read);
    text_clear(&first);
    grants_describe(&config->broker, &stranger, &first);
    assert_string_equal(text_string(&first), "{\"repositories\":[]}\n");
    config_unref(config);
    text_free(&first);
    text_free(&second);
}

static int tear_down(void **state)
{
    token_question_clear(&question);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_permissions_of_a_rule),
        cmocka_unit_test_teardown(test_who_may_ask, tear_down),
        cmocka_unit_test_teardown(test_refusal_names_what_is_missing, tear_down),
        cmocka_unit_test_teardown(test_first_rule_decides_over_all_grants, tear_down),
        cmocka_unit_test_teardown(test_each_of_several_repositories_must_be_granted, tear_down),
        cmocka_unit_test_teardown(test_no_token_without_names, tear_down),
        cmocka_unit_test_teardown(test_listing, tear_down),
        cmocka_unit_test(test_names_that_are_held),
        cmocka_unit_test(test_rules_go_round),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
