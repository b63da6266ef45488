#include "cmocka_unit.h"
#include "glob.h"
#include "policy.h"

#define LIST(...)     .patterns = (char *[]){__VA_ARGS__}, .count = sizeof((char *[]){__VA_ARGS__}) / sizeof(char *)
#define TEXT(literal) ((char[]){literal})

static void check(const struct rule *rule, const char *expected)
{
    struct error error = {"fine"};

    assert_int_equal(rule_check(rule, &error), strcmp(expected, "fine") == 0);
    assert_string_equal(error.text, expected);
}

static void a_match_is_an_owner_and_a_name(void **state)
{
    static const struct {
        const char *match;
        bool fine;
    } cases[] = {
        {"acme/widgets", true},
        {"acme/*", true},
        {"*/*", true},
        {"acme/w*s-*", true},
        {"a/.github", true},
        {"acme", false},
        {"*", false},
        {"acme/", false},
        {"/widgets", false},
        {"acme/a/b", false},
        {"acme/**", false},
        {"**/a", false},
        {"acme/wid gets", false},
        {"acme/[a]", false},
        {"", false},
        {"github.com/acme/widgets", true},
        {"gitlab.corp/group/**", true},
        {"git.corp:8443/a", true},
        {"gitlab.corp/", false},
        {"gitlab.corp/a//b", false},
        {"gitlab.corp/a.git", false},
        {"gitlab.corp/a?b", false},
        {"*.corp/a/b", false},
        {"acme/widgets.git", false},
        {"acme/widgets.wiki", false},
        {"acme/wiki", true},
        {"https://github.com/acme", false},
    };

    for (size_t i = 0; i < GL_ARRAY_SIZE(cases); i++) {
        char match[64];
        struct rule rule = {.match = match};

        snprintf(match, sizeof(match), "%s", cases[i].match);
        if (rule_check(&rule, NULL) != cases[i].fine)
            fail_msg("match: %s", match);
    }
    check(&(struct rule){0}, "match: is missing: write `owner/name`, `*` within a segment");
}

static void ref_patterns_can_match_a_ref(void **state)
{
    static const struct {
        const char *pattern;
        bool fine;
    } cases[] = {
        {"refs/heads/main", true},
        {"refs/heads/agent/*", true},
        {"refs/**", true},
        {"**", true},
        {"**/main", true},
        {"refs/heads/*-wip/**", true},
        {"", false},
        {"main", false},
        {"heads/main", false},
        {"*", false},
        {"/refs/heads/a", false},
        {"refs//a", false},
        {"refs/heads/", false},
        {"refs/heads/***", false},
        {"refs/heads/a b", false},
        {"refs/heads/a?", false},
        {"refs/heads/[ab]", false},
        {"refs/heads/{a,b}", false},
        {"refs/heads/../a", false},
        {"^refs/heads/a", false},
        {"!refs/heads/main", false},
        {"refs/heads/a\n", false},
    };

    for (size_t i = 0; i < GL_ARRAY_SIZE(cases); i++) {
        char pattern[64];
        char *list[] = {pattern};
        struct rule rule = {.match = TEXT("a/b"), .push = {REF_SET_PATTERNS, list, 1}};
        struct rule other = {.match = TEXT("a/b"), .delete = {REF_SET_PATTERNS, list, 1}};

        snprintf(pattern, sizeof(pattern), "%s", cases[i].pattern);
        if (rule_check(&rule, NULL) != cases[i].fine || rule_check(&other, NULL) != cases[i].fine)
            fail_msg("pattern: %s", pattern);
    }
}

static void what_is_wrong_is_said_with_its_key(void **state)
{
    check(&(struct rule){.match = TEXT("acme/widgets/x")},
          "match: `acme/widgets/x` is not `owner/name`, such as acme/widgets or acme/*");
    check(&(struct rule){.match = TEXT("a/b"), .push = {REF_SET_PATTERNS, LIST(TEXT("refs/heads/a"), TEXT("main"))}},
          "push: `main` matches no ref: write it from `refs/` on, as `refs/heads/main`");
    check(&(struct rule){.match = TEXT("a/b"), .delete = {REF_SET_PATTERNS, LIST(TEXT("refs/heads/***"))}},
          "delete: `refs/heads/***` holds `***`: `*` stays within a segment, `**` crosses segments");
    check(&(struct rule){.match = TEXT("a/b"), .paths = {(char *[]){TEXT("/pulls/**")}, 1}},
          "paths: `/pulls/**` begins with a slash: write what stands below the repository, as `pulls/**`");
    check(&(struct rule){.match = TEXT("a/b"), .paths = {(char *[]){TEXT("git/ref/heads%2Fa")}, 1}},
          "paths: `git/ref/heads%2Fa` is matched with the decoded path, without a query");
    check(&(struct rule){.match = TEXT("a/b"), .graphql = true, .paths = {(char *[]){TEXT("pulls/**")}, 1}},
          "paths: GraphQL goes round them; take `graphql: true` away, or `paths`");
}

static void permissions_do_not_go_round_a_list_of_refs(void **state)
{
    static const char *const bypasses[] = {"contents", "administration", "secrets",         "environments",
                                           "actions",  "workflows",      "repository_hooks"};
    char pattern[] = "refs/heads/agent/*";
    char *list[] = {pattern};

    for (size_t i = 0; i < GL_ARRAY_SIZE(bypasses); i++) {
        struct rule rule = {.match = TEXT("a/b"), .push = {REF_SET_PATTERNS, list, 1}};
        struct error error;

        assert_true(permissions_add(&rule.permissions, bytes_of_string(bypasses[i]), PERMISSION_READ));
        assert_true(rule_check(&rule, NULL));
        assert_true(permissions_add(&rule.permissions, bytes_of_string(bypasses[i]), PERMISSION_WRITE));
        assert_false(rule_check(&rule, &error));
        assert_non_null(strstr(error.text, bypasses[i]));
        assert_non_null(strstr(error.text, "accept_bypass: true"));
        rule.accept_bypass = true;
        assert_true(rule_check(&rule, NULL));
        rule.accept_bypass = false;
        rule.push.kind = REF_SET_ALL;
        assert_true(rule_check(&rule, NULL));
    }
}

static void other_permissions_are_fine_with_a_list_of_refs(void **state)
{
    check(&(struct rule){.match = TEXT("a/b"),
                         .push = {REF_SET_PATTERNS, LIST(TEXT("refs/heads/agent/*"))},
                         .permissions = {2, {{"issues", PERMISSION_WRITE}, {"pull_requests", PERMISSION_WRITE}}}},
          "fine");
}

static void a_silent_rule_allows_nothing(void **state)
{
    struct rule rule;

    rule_init(&rule);
    assert_true(rule.create);
    assert_false(rule.fetch || rule.graphql || rule.accept_bypass);
    assert_int_equal(rule.push.kind, REF_SET_NONE);
    assert_int_equal(rule.delete.kind, REF_SET_NONE);
    assert_int_equal(rule.max_pack, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_match_is_an_owner_and_a_name),
        cmocka_unit_test(ref_patterns_can_match_a_ref),
        cmocka_unit_test(what_is_wrong_is_said_with_its_key),
        cmocka_unit_test(permissions_do_not_go_round_a_list_of_refs),
        cmocka_unit_test(other_permissions_are_fine_with_a_list_of_refs),
        cmocka_unit_test(a_silent_rule_allows_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
