// `gitlatch run --repo --push` as a configuration.
#include "run_rules.h"

#include "cmocka_unit.h"
#include "mem.h"

static void rules_are_written_as_a_configuration(void **state)
{
    const char *repositories[] = {"acme/widgets", "acme/*"}, *pushes[] = {"agent/*", "refs/tags/v*"};
    const struct run_rules rules = {repositories, 2, pushes, 2};
    char *text = run_rules_text(&rules, NULL);

    assert_string_equal(text,
                        "other_repositories: deny\n"
                        "repositories:\n"
                        "  - {match: \"acme/widgets\", fetch: true, push: [\"refs/heads/agent/*\", \"refs/tags/v*\"]}\n"
                        "  - {match: \"acme/*\", fetch: true, push: [\"refs/heads/agent/*\", \"refs/tags/v*\"]}\n");
    mem_free(text);
}

static void without_push_there_is_none(void **state)
{
    const char *repositories[] = {"a\"b"};
    const struct run_rules rules = {repositories, 1, NULL, 0}, none = {0};
    char *text = run_rules_text(&rules, NULL);

    assert_string_equal(text, "other_repositories: deny\nrepositories:\n  - {match: \"a\\\"b\", fetch: true}\n");
    mem_free(text);
    text = run_rules_text(&none, NULL);
    assert_string_equal(text, "");
    mem_free(text);
}

static void push_alone_is_refused(void **state)
{
    const char *pushes[] = {"agent/*"};
    const struct run_rules rules = {NULL, 0, pushes, 1};
    struct error error;

    assert_null(run_rules_text(&rules, &error));
    assert_non_null(strstr(error.text, "--push needs --repo"));
}

static void permissions_are_those_of_each_rule(void **state)
{
    const char *repositories[] = {"acme/widgets"};
    struct run_rules rules = {repositories, 1, .permissions = "issues=read,pull_requests=write"};
    struct error error;
    char *text = run_rules_text(&rules, NULL);

    assert_string_equal(text, "other_repositories: deny\nrepositories:\n  - {match: \"acme/widgets\", fetch: true, "
                              "permissions: {\"issues\": \"read\", \"pull_requests\": \"write\"}}\n");
    mem_free(text);
    rules.repository_count = 0;
    assert_null(run_rules_text(&rules, &error));
    assert_non_null(strstr(error.text, "--permissions needs --repo"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rules_are_written_as_a_configuration),
        cmocka_unit_test(without_push_there_is_none),
        cmocka_unit_test(push_alone_is_refused),
        cmocka_unit_test(permissions_are_those_of_each_rule),
    };

    return cmocka_run_group_tests_name("run_rules", tests, NULL, NULL);
}
