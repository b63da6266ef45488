#include "rule_draft.h"

#include "cmocka_unit.h"

#define REQUEST(repository, operation, decision, reason)                                                               \
    "{\"event\":\"request\",\"repository\":\"" repository "\",\"operation\":\"" operation                              \
    "\",\"decision\":\"" decision "\",\"reason\":\"" reason "\""
#define ZERO               "0000000000000000000000000000000000000000"
#define ONE                "1111111111111111111111111111111111111111"
#define TWO                "2222222222222222222222222222222222222222"
#define REF(ref, old, new) "{\"ref\":\"" ref "\",\"old\":\"" old "\",\"new\":\"" new "\"}"

static void check(const char *const *lines, size_t count, const char *expected)
{
    struct rule_draft *draft = rule_draft_new();
    struct text out = {0};

    for (size_t i = 0; i < count; i++)
        assert_true(rule_draft_add(draft, bytes_of_string(lines[i])));
    rule_draft_append(draft, &out);
    assert_string_equal(text_string(&out), expected);
    text_free(&out);
    rule_draft_free(draft);
}

static void calls_of_the_api_say_what_they_need(void **state)
{
    static const char *const lines[] = {
        REQUEST("acme/api", "api", "allow", "github_permission") ",\"needs\":{\"issues\":\"write\"}}",
        REQUEST("acme/api", "api", "allow", "") ",\"needs\":{\"issues\":\"read\",\"metadata\":\"read\"}}",
        REQUEST("acme/api", "api", "allow", "") ",\"needs\":{\"pull_requests\":\"read\"}}",
        REQUEST("acme/both", "api", "allow", "") ",\"needs\":{\"contents\":\"write\",\"issues\":\"read\"}}",
        REQUEST("acme/both", "push", "allow", "") ",\"refs\":[" REF("refs/heads/main", ONE, TWO) "]}",
        REQUEST("acme/none", "api", "allow", "") ",\"needs\":{\"metadata\":\"read\"}}",
        REQUEST("acme/odd", "api", "allow", "") ",\"needs\":{\"issues\":\"write\",\"Bad name\":\"write\"}}",
        REQUEST("acme/odd", "api", "allow", "") ",\"needs\":\"issues\"}",
    };

    check(lines, GL_ARRAY_SIZE(lines),
          "repositories:\n"
          "  - match: acme/api\n"
          "    permissions: {issues: write, pull_requests: read}\n"
          "  - match: acme/both\n"
          "    push: [\"refs/heads/main\"]\n"
          "    create: false\n"
          "    permissions: {issues: read}\n"
          "    # contents: write goes round `push`, and needs `accept_bypass: true`\n"
          "  - match: acme/none\n"
          "    permissions: {metadata: read}\n"
          "  - match: acme/odd\n"
          "    permissions: {issues: write} # 2 API requests: name what they need\n");
}

static void a_log_becomes_the_least_rules(void **state)
{
    static const char *const lines[] = {
        REQUEST("acme/widgets", "fetch", "deny", "fetch") "}",
        REQUEST("acme/widgets", "push", "deny", "push") "}",
        REQUEST("acme/widgets", "push", "deny", "ref") ",\"refs\":[" REF("refs/heads/agent/a", ZERO, ONE) "," REF(
            "refs/heads/main", ONE, TWO) "," REF("refs/heads/old", ONE, ZERO) "]}",
        REQUEST("acme/widgets", "push", "allow", "") ",\"refs\":[" REF("refs/heads/main", ONE, TWO) "]}",
        REQUEST("acme/docs", "lfs", "allow", "") "}",
        REQUEST("Acme/Docs", "fetch", "allow", "") "}",
        REQUEST("acme/docs", "push", "allow", "") ",\"refs\":[" REF("refs/heads/main", ONE, TWO) "]}",
        REQUEST("acme/asked", "push", "deny", "repository") "}",
        REQUEST("acme/api", "api", "deny", "permission") "}",
        REQUEST("acme/api", "api", "allow", "") "}",
        REQUEST("", "api", "deny", "graphql") "}",
    };

    check(lines, GL_ARRAY_SIZE(lines),
          "repositories:\n"
          "  - match: acme/api\n"
          "    permissions: {} # 2 API requests: name what they need\n"
          "  - match: acme/asked\n"
          "    push: [\"refs/heads/-\"] # the log names no ref: `enforce: false` lets them be seen\n"
          "    create: false\n"
          "  - match: acme/docs\n"
          "    fetch: true\n"
          "    push: [\"refs/heads/main\"]\n"
          "    create: false\n"
          "  - match: acme/widgets\n"
          "    fetch: true\n"
          "    push: [\"refs/heads/agent/a\", \"refs/heads/main\"]\n"
          "    delete: [\"refs/heads/old\"]\n"
          "# 1 API requests named no repository: GraphQL needs `graphql: true`, others need `permissions`\n");
}

static void what_needs_no_rule_gets_none(void **state)
{
    static const char *const lines[] = {
        REQUEST("torvalds/linux", "fetch", "anonymous", "") "}",
        REQUEST("acme/widgets", "other", "allow", "") "}",
        REQUEST("acme/widgets", "push", "deny", "push_malformed") "}",
        REQUEST("acme/widgets", "api", "deny", "endpoint") "}",
        REQUEST("../etc", "fetch", "allow", "") "}",
        "{\"event\":\"mint\",\"repository\":\"acme/widgets\",\"operation\":\"fetch\",\"decision\":\"allow\"}",
        "{\"event\":\"tunnel\",\"host\":\"example.com\"}",
        "{}",
    };

    check(lines, GL_ARRAY_SIZE(lines), "repositories: []\n");
}

static void an_anonymous_request_that_github_refused_needs_a_rule(void **state)
{
    static const char *const lines[] = {REQUEST("acme/private", "fetch", "anonymous", "github_anonymous") "}"};

    check(lines, GL_ARRAY_SIZE(lines), "repositories:\n  - match: acme/private\n    fetch: true\n");
}

// Git LFS writes under the rules of a push, and names a branch or nothing.
static void an_lfs_upload_is_a_push(void **state)
{
    static const char *const lines[] = {
        REQUEST("acme/a", "lfs", "allow", "") ",\"refs\":[{\"ref\":\"refs/heads/main\"}]}",
        REQUEST("acme/b", "lfs", "deny", "lfs") ",\"refs\":[]}",
        REQUEST("acme/c", "lfs", "allow", "") "}",
    };

    check(lines, GL_ARRAY_SIZE(lines),
          "repositories:\n"
          "  - match: acme/a\n"
          "    push: [\"refs/heads/main\"]\n"
          "    create: false\n"
          "  - match: acme/b\n"
          "    push: [\"refs/heads/-\"] # the log names no ref: `enforce: false` lets them be seen\n"
          "    create: false\n"
          "  - match: acme/c\n"
          "    fetch: true\n");
}

#define AT(host, type) ",\"host\":\"" host "\",\"host_type\":\"" type "\""

static void repositories_of_other_hosts_are_named_with_their_host(void **state)
{
    static const char *const lines[] = {
        REQUEST("owner/app", "fetch", "deny", "repository") AT("git.corp.example:8443", "gitea") "}",
        REQUEST("owner/app", "fetch", "allow", "") ",\"host\":\"github.com\"}",
        REQUEST("a/b/c", "push", "deny", "ref")
            AT("gitlab.corp", "gitlab") ",\"refs\":[" REF("refs/heads/x", ONE, TWO) "]}",
        REQUEST("a/b/c", "other", "deny", "anonymous") AT("gitlab.corp", "gitlab") "}", // a rule helps no page there
        REQUEST("a/*", "fetch", "deny", "repository") AT("gitlab.corp", "gitlab") "}",  // would be a pattern
    };

    check(lines, GL_ARRAY_SIZE(lines),
          "repositories:\n"
          "  - match: \"git.corp.example:8443/owner/app\"\n"
          "    fetch: true\n"
          "  - match: \"gitlab.corp/a/b/c\"\n"
          "    push: [\"refs/heads/x\"]\n"
          "    create: false\n"
          "  - match: owner/app\n"
          "    fetch: true\n");
}

static void a_denied_page_needs_its_repository(void **state)
{
    static const char *const lines[] = {
        REQUEST("acme/a", "other", "deny", "anonymous") "}",
        REQUEST("acme/b", "other", "anonymous", "") "}",
        REQUEST("", "other", "deny", "anonymous") "}",
    };

    check(lines, GL_ARRAY_SIZE(lines), "repositories:\n  - match: acme/a\n    fetch: true\n");
}

#define TUNNEL(event, host, decision, reason)                                                                          \
    "{\"event\":\"" event "\",\"operation\":\"tunnel\",\"host\":\"" host "\",\"decision\":\"" decision                 \
    "\",\"reason\":\"" reason "\"}"

static void tunnels_become_a_list_where_one_was_denied(void **state)
{
    static const char *const lines[] = {
        TUNNEL("tunnel", "pypi.org", "allow", ""),
        TUNNEL("tunnel", "a.example", "deny", "host"),
        TUNNEL("request", "gist.github.com", "deny", "host"),
        TUNNEL("tunnel", "pypi.org", "allow", ""),
        TUNNEL("tunnel", "10.0.0.1", "deny", "private_address"),
        TUNNEL("tunnel", "b.example", "deny", "sni"),
    };

    check(lines, 1, "repositories: []\n");
    check(lines, GL_ARRAY_SIZE(lines),
          "repositories: []\n"
          "other_hosts:\n"
          "  allow: [\"a.example\", \"gist.github.com\", \"pypi.org\"]\n");
}

static void a_list_of_refs_that_was_cut_is_told(void **state)
{
    static const char *const lines[] = {
        REQUEST("acme/a", "push", "allow", "") ",\"refs\":[" REF("refs/heads/a", ZERO, ONE) "],\"refs_count\":9}",
    };

    check(lines, GL_ARRAY_SIZE(lines),
          "repositories:\n"
          "  - match: acme/a\n"
          "    push: [\"refs/heads/a\"]\n"
          "    # a push named more refs than the log could hold\n");
}

static void many_refs_of_a_folder_become_a_pattern_but_never_all_branches(void **state)
{
    struct rule_draft *draft = rule_draft_new();
    struct text out = {0};

    for (int i = 0; i < 6; i++) {
        struct text line = {0};

        text_format(&line,
                    REQUEST("a/b", "push", "allow", "") ",\"refs\":[" REF("refs/heads/agent/%d", ZERO, ONE) "," REF(
                        "refs/heads/b%d", ZERO, ONE) "]}",
                    i, i);
        assert_true(rule_draft_add(draft, text_bytes(&line)));
        text_free(&line);
    }
    rule_draft_append(draft, &out);
    assert_string_equal(text_string(&out),
                        "repositories:\n"
                        "  - match: a/b\n"
                        "    push: [\"refs/heads/agent/*\", \"refs/heads/b0\", \"refs/heads/b1\", \"refs/heads/b2\", "
                        "\"refs/heads/b3\", \"refs/heads/b4\", \"refs/heads/b5\"]\n");
    text_free(&out);
    rule_draft_free(draft);
}

static void what_is_not_json_is_told(void **state)
{
    struct rule_draft *draft = rule_draft_new();

    assert_false(rule_draft_add(draft, BYTES("")));
    assert_false(rule_draft_add(draft, BYTES("gitlatch: listening")));
    assert_false(rule_draft_add(draft, BYTES("[]")));
    assert_true(rule_draft_add(draft, BYTES("{\"event\":\"request\",\"repository\":1,\"refs\":{\"a\":1}}")));
    rule_draft_free(draft);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_log_becomes_the_least_rules),
        cmocka_unit_test(calls_of_the_api_say_what_they_need),
        cmocka_unit_test(what_needs_no_rule_gets_none),
        cmocka_unit_test(an_anonymous_request_that_github_refused_needs_a_rule),
        cmocka_unit_test(an_lfs_upload_is_a_push),
        cmocka_unit_test(repositories_of_other_hosts_are_named_with_their_host),
        cmocka_unit_test(a_denied_page_needs_its_repository),
        cmocka_unit_test(tunnels_become_a_list_where_one_was_denied),
        cmocka_unit_test(a_list_of_refs_that_was_cut_is_told),
        cmocka_unit_test(many_refs_of_a_folder_become_a_pattern_but_never_all_branches),
        cmocka_unit_test(what_is_not_json_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
