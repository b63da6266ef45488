#include "policy_case.h"

#define PATTERNS(...)                                                                                                  \
    {                                                                                                                  \
        .kind = REF_SET_PATTERNS, .patterns = (char *[]){__VA_ARGS__},                                                 \
        .count = sizeof((char *[]){__VA_ARGS__}) / sizeof(char *)                                                      \
    }
#define TEXT(literal) ((char[]){literal})

#define REFS(repository)   "/" repository ".git/info/refs?service=git-upload-pack"
#define PUSHES(repository) "/" repository ".git/info/refs?service=git-receive-pack"
#define PUSH(repository)   "/" repository ".git/git-receive-pack"
#define BATCH(repository)  "/" repository ".git/info/lfs/objects/batch"
#define LOCKS(repository)  "/" repository ".git/info/lfs/locks"
#define VERIFY(repository) "/" repository ".git/info/lfs/locks/verify"

// A team's rules, one of each kind.
static const struct rules team = {
    .present = true,
    .count = 9,
    .rules =
        (struct rule[]){
            {.match = TEXT("acme/widgets"),
             .fetch = true,
             .create = true,
             .push = PATTERNS(TEXT("refs/heads/agent/*"), TEXT("refs/tags/**")),
             .delete = PATTERNS(TEXT("refs/heads/agent/tmp-*")),
             .permissions = {2, {{"issues", PERMISSION_READ}, {"pull_requests", PERMISSION_WRITE}}},
             .graphql = true},
            {.match = TEXT("acme/fixed"), .fetch = true, .push = {.kind = REF_SET_ALL}, .create = false},
            {.match = TEXT("acme/hidden"), .create = true},
            {.match = TEXT("acme/drop"), .create = true, .push = PATTERNS(TEXT("refs/heads/in/*"))},
            {.match = TEXT("acme/sweep"), .create = true, .delete = {.kind = REF_SET_ALL}},
            {.match = TEXT("acme/build"),
             .fetch = true,
             .create = true,
             .push = {.kind = REF_SET_ALL},
             .permissions = {2, {{"issues", PERMISSION_WRITE}, {"workflows", PERMISSION_WRITE}}}},
            {.match = TEXT("*/.github"), .fetch = true, .create = true},
            {.match = TEXT("acme/*"), .fetch = true, .create = true},
            {.match = TEXT("other/only-api"),
             .create = true,
             .permissions = {1, {{"contents", PERMISSION_WRITE}}},
             .paths = {(char *[]){TEXT("contents/docs/**")}, 1}},
        },
};

static const struct policy_case team_cases[] = {
    {'w', "GET", REFS("acme/widgets"), "acme/widgets contents:read"},
    {'w', "GET", PUSHES("acme/widgets"), "acme/widgets contents:write"},
    {'w', "POST", PUSH("acme/widgets"), "acme/widgets contents:write"},
    {'w', "GET", REFS("acme/widgets.wiki"), "acme/widgets contents:read"},
    {'w', "POST", PUSH("acme/widgets.wiki"), "acme/widgets contents:write"},
    {'w', "POST", BATCH("acme/widgets"), "acme/widgets contents:read"},
    {'w', "GET", LOCKS("acme/widgets"), "acme/widgets contents:read"},
    {'w', "POST", LOCKS("acme/widgets"), "acme/widgets contents:write"},
    {'w', "POST", VERIFY("acme/widgets"), "acme/widgets contents:write"},
    {'a', "GET", "/repos/acme/widgets", "acme/widgets contents:read,issues:read,pull_requests:write"},
    // writes the pull request's branch, whichever it is
    {'a', "PUT", "/repos/acme/widgets/pulls/7/update-branch", "ref_bypass"},
    {'a', "PUT", "/repos/acme/widgets/pulls/7/update%2Dbranch", "ref_bypass"},
    {'a', "PUT", "/repos/acme/build/pulls/7/update-branch", "acme/build contents:read,issues:write,workflows:write"},
    // the first match decides, not the most generous
    {'w', "GET", REFS("acme/hidden"), "fetch"},
    {'w', "GET", PUSHES("acme/hidden"), "push"},
    {'w', "POST", BATCH("acme/hidden"), "lfs"},
    {'w', "GET", LOCKS("acme/hidden"), "fetch"},
    {'a', "GET", "/repos/acme/hidden", "permission"},
    // push without fetch, delete without push
    {'w', "GET", REFS("acme/drop"), "fetch"},
    {'w', "GET", PUSHES("acme/drop"), "acme/drop contents:write"},
    {'w', "POST", BATCH("acme/drop"), "acme/drop contents:read"},
    {'w', "POST", LOCKS("acme/drop"), "acme/drop contents:write"},
    {'w', "POST", PUSH("acme/sweep"), "acme/sweep contents:write"},
    {'w', "POST", LOCKS("acme/sweep"), "lfs"},
    // workflow files
    {'w', "POST", PUSH("acme/build"), "acme/build contents:write,workflows:write"},
    {'w', "GET", REFS("acme/build"), "acme/build contents:read"},
    {'a', "POST", "/repos/acme/build/issues", "acme/build contents:read,issues:write,workflows:write"},
    // wildcards
    {'w', "GET", REFS("acme/else"), "acme/else contents:read"},
    {'w', "GET", PUSHES("acme/else"), "push"},
    {'w', "POST", VERIFY("acme/else"), "lfs"},
    {'a', "GET", "/repos/acme/else", "acme/else contents:read"},
    {'w', "GET", REFS("acme2/else"), "no token"},
    {'w', "GET", REFS("else/.github"), "else/.github contents:read"},
    // an API rule with paths
    {'a', "PUT", "/repos/other/only-api/contents/docs/a.md", "other/only-api contents:write"},
    {'a', "PUT", "/repos/other/only-api/contents/docs", "other/only-api contents:write"},
    {'a', "PUT", "/repos/other/only-api/contents/src/a.c", "path"},
    {'w', "GET", REFS("other/only-api"), "fetch"},
    // whom no rule names
    {'w', "GET", REFS("torvalds/linux"), "no token"},
    {'w', "POST", "/torvalds/linux.git/git-upload-pack", "no token"},
    {'w', "GET", PUSHES("torvalds/linux"), "repository"},
    {'w', "POST", BATCH("torvalds/linux"), "no token"},
    {'w', "GET", LOCKS("torvalds/linux"), "no token"},
    {'w', "POST", VERIFY("torvalds/linux"), "repository"},
    {'a', "GET", "/repos/torvalds/linux", "no token"},
    {'w', "GET", "/torvalds/linux/archive/master.zip", "no token"},
    // what names none: repositories of acme with permissions, with what all their rules grant
    {'a', "GET", "/user", "set acme contents:read,issues:read"},
    {'a', "POST", "/graphql", "set acme contents:read,issues:read,pull_requests:write"},
    {'a', "GET", "/repositories/7", "repository_id"},
};

static const struct rules none = {.present = false};
static const struct policy_case no_rules_cases[] = {
    {'w', "GET", REFS("acme/widgets"), "acme/widgets contents:read"},
    {'w', "POST", PUSH("acme/widgets"), "acme/widgets contents:write"},
    {'w', "POST", BATCH("acme/widgets"), "acme/widgets contents:read"},
    {'w', "POST", VERIFY("acme/widgets"), "acme/widgets contents:write"},
    {'a', "GET", "/repos/acme/widgets", "acme/widgets all"},
    {'u', "POST", "/repos/acme/widgets/releases/1/assets", "acme/widgets all"},
    {'a', "GET", "/user", "installation acme all"},
    {'a', "POST", "/graphql", "installation acme all"},
    {'a', "GET", "/repositories/7", "repository_id"},
    {'w', "GET", "/acme/widgets/archive/main.zip", "no token"},
    {'a', "POST", "/app/installations/1/access_tokens", "endpoint"},
};

static const struct rules empty = {.present = true, .other = OTHER_REPOSITORIES_DENY};
static const struct policy_case nothing_allowed_cases[] = {
    {'w', "GET", REFS("acme/widgets"), "repository"},
    {'w', "POST", "/acme/widgets.git/git-upload-pack", "repository"},
    {'w', "POST", PUSH("acme/widgets"), "repository"},
    {'w', "POST", BATCH("acme/widgets"), "repository"},
    {'w', "GET", LOCKS("acme/widgets"), "repository"},
    {'a', "GET", "/repos/acme/widgets", "repository"},
    {'a', "GET", "/user", "permission"},
    {'a', "POST", "/graphql", "graphql"},
    {'w', "GET", "/acme/widgets", "anonymous"},
    {'w', "GET", "/", "anonymous"},
};

static void check(const struct rules *rules, const struct policy_case *cases, size_t count)
{
    struct policy_hosts hosts;

    policy_hosts_init(&hosts, "acme");
    policy_cases_check(&hosts, rules, cases, count);
    policy_hosts_clear(&hosts);
}

static void a_team_gets_what_its_rules_say(void **state)
{
    check(&team, team_cases, GL_ARRAY_SIZE(team_cases));
}

static void without_rules_all_is_allowed_but_credentials(void **state)
{
    check(&none, no_rules_cases, GL_ARRAY_SIZE(no_rules_cases));
}

static void rules_that_name_nothing_deny_all(void **state)
{
    check(&empty, nothing_allowed_cases, GL_ARRAY_SIZE(nothing_allowed_cases));
}

// The decision for one request; the target is of git or LFS on github.com, or of its API.
static struct policy_decision decide(const struct policy_hosts *hosts, const struct rules *rules, const char *method,
                                     const char *text, struct operation *ret_operation)
{
    enum github_endpoint endpoint = strstr(text, ".git") || strstr(text, "/archive") || strstr(text, "/storage")
                                        ? GITHUB_ENDPOINT_WEB
                                        : GITHUB_ENDPOINT_API;
    enum head_method number = policy_case_method(method);
    struct policy_decision decision;
    struct verdict verdict;
    struct target target;

    assert_true(target_parse(number, bytes_of_string(text), &target, NULL));
    assert_true(github_operation_parse(&hosts->dotcom, endpoint, number, &target, ret_operation, &verdict));
    policy_decide(rules, ret_operation, &decision);
    return decision;
}

static void denied_pages_are_denied_and_pages_of_allowed_repositories_are_not(void **state)
{
    struct rules strict = {.present = true, .rules = team.rules, .count = team.count, .other = OTHER_REPOSITORIES_DENY};
    struct policy_hosts hosts;
    struct operation operation;
    struct policy_decision decision;

    policy_hosts_init(&hosts, NULL);
    decision = decide(&hosts, &strict, "GET", "/evil/site/archive/main.zip", &operation);
    assert_int_equal(decision.decision, DECISION_DENY);
    assert_int_equal(decision.verdict.reason, REASON_ANONYMOUS_DENIED);
    decision = decide(&hosts, &strict, "GET", "/acme/hidden/archive/main.zip", &operation);
    assert_int_equal(decision.decision, DECISION_DENY);
    decision = decide(&hosts, &strict, "GET", "/acme/widgets/archive/main.zip", &operation);
    assert_int_equal(decision.decision, DECISION_ANONYMOUS);
    // What an Enterprise Server has under `/api` lies under no repository.
    policy_cases_check(&hosts, &strict, &(struct policy_case){'s', "GET", "/api/acme/widgets", "anonymous"}, 1);
    decision = decide(&hosts, &none, "GET", "/evil/site/archive/main.zip", &operation);
    assert_int_equal(decision.decision, DECISION_ANONYMOUS);
    policy_hosts_clear(&hosts);
}

static void an_enterprise_servers_objects_pass_where_pages_are_denied(void **state)
{
    static const struct policy_case cases[] = {
        {'s', "GET", "/storage/lfs/1?token=x", "no token"},
        {'s', "GET", "/media/acme/widgets/main/a?token=x", "no token"},
        {'w', "GET", "/storage/lfs/1?token=x", "anonymous"},
        {'s', "GET", "/search", "anonymous"},
    };

    check(&empty, cases, GL_ARRAY_SIZE(cases));
}

static void a_decision_tells_the_rule_and_the_use(void **state)
{
    struct policy_hosts hosts;
    struct operation operation;
    struct policy_decision decision;

    policy_hosts_init(&hosts, "acme");
    decision = decide(&hosts, &team, "GET", REFS("acme/widgets"), &operation);
    assert_ptr_equal(decision.rule, &team.rules[0]);
    assert_int_equal(decision.scope.use, SCOPE_USE_GIT);
    assert_true(decision.scope.ruled);
    assert_ptr_equal(decision.scope.host, &hosts.dotcom);
    decision = decide(&hosts, &team, "GET", "/repos/acme/widgets", &operation);
    assert_int_equal(decision.scope.use, SCOPE_USE_API_READ);
    decision = decide(&hosts, &team, "PATCH", "/repos/acme/widgets", &operation);
    assert_int_equal(decision.scope.use, SCOPE_USE_API);
    decision = decide(&hosts, &team, "GET", "/user", &operation);
    assert_int_equal(decision.scope.use, SCOPE_USE_API);
    decision = decide(&hosts, &none, "GET", REFS("acme/widgets"), &operation);
    assert_null(decision.rule);
    assert_false(decision.scope.ruled);
    decision = decide(&hosts, &team, "GET", REFS("acme/hidden"), &operation);
    assert_string_equal(decision.verdict.sentence, "the rule for this repository does not allow to fetch: acme/hidden");
    policy_hosts_clear(&hosts);
}

static void locks_are_not_found_where_no_push_is(void **state)
{
    struct policy_hosts hosts;
    struct operation operation;
    struct policy_decision decision;

    policy_hosts_init(&hosts, NULL);
    decision = decide(&hosts, &team, "POST", VERIFY("acme/else"), &operation);
    assert_int_equal(verdict_status(&decision.verdict), 404);
    decision = decide(&hosts, &team, "POST", VERIFY("torvalds/linux"), &operation);
    assert_int_equal(verdict_status(&decision.verdict), 404);
    decision = decide(&hosts, &team, "POST", LOCKS("acme/else"), &operation);
    assert_int_equal(verdict_status(&decision.verdict), 403);
    // Nor where the ref is not.
    decision = decide(&hosts, &team, "POST", VERIFY("acme/widgets"), &operation);
    policy_decide_lfs(&operation, true, BYTES("refs/heads/main"), &decision);
    assert_int_equal(decision.verdict.reason, REASON_REF_DENIED);
    assert_int_equal(verdict_status(&decision.verdict), 404);
    policy_hosts_clear(&hosts);
}

static void an_id_is_decided_by_its_name(void **state)
{
    struct policy_hosts hosts;
    struct operation operation;
    struct policy_decision decision;
    struct repository_name name;
    char text[POLICY_CASE_SIZE];

    policy_hosts_init(&hosts, NULL);
    assert_true(repository_name_parse(BYTES("acme"), BYTES("widgets"), &name));
    decide(&hosts, &team, "GET", "/repositories/7/issues", &operation);
    assert_int_equal(operation.repository_id, 7);
    operation_resolve(&operation, &name);
    policy_decide(&team, &operation, &decision);
    assert_string_equal(policy_case_describe(&decision, text),
                        "acme/widgets contents:read,issues:read,pull_requests:write");
    policy_hosts_clear(&hosts);
}

struct ref_case {
    const char *repository;
    enum ref_change change;
    const char *ref;
    const char *expected; // "" or the reason's code
};

static void refs_are_decided_by_kind_of_change(void **state)
{
    static const struct ref_case cases[] = {
        {"widgets", REF_CREATE, "refs/heads/agent/a", ""},
        {"widgets", REF_UPDATE, "refs/heads/agent/a", ""},
        {"widgets", REF_UPDATE, "refs/heads/main", "ref"},
        {"widgets", REF_UPDATE, "refs/heads/agent", "ref"},
        {"widgets", REF_UPDATE, "refs/heads/agent/a/b", "ref"},
        {"widgets", REF_UPDATE, "refs/heads/Agent/a", "ref"},
        {"widgets", REF_UPDATE, "refs/heads/xagent/a", "ref"},
        {"widgets", REF_UPDATE, "xrefs/heads/agent/a", "ref"},
        {"widgets", REF_CREATE, "refs/tags/v1", ""},
        {"widgets", REF_CREATE, "refs/tags/a/b/c", ""},
        {"widgets", REF_CREATE, "refs/notes/commits", "ref"},
        {"widgets", REF_DELETE, "refs/heads/agent/a", "delete"},
        {"widgets", REF_DELETE, "refs/heads/agent/tmp-1", ""},
        {"widgets", REF_DELETE, "refs/heads/agent/tmp-1/x", "delete"},
        {"fixed", REF_UPDATE, "refs/heads/main", ""},
        {"fixed", REF_CREATE, "refs/heads/new", "create"},
        {"fixed", REF_DELETE, "refs/heads/main", "delete"},
        {"sweep", REF_DELETE, "refs/heads/main", ""},
        {"sweep", REF_UPDATE, "refs/heads/main", "push"},
        {"hidden", REF_UPDATE, "refs/heads/main", "push"},
        {"drop", REF_CREATE, "refs/heads/in/1", ""},
        {"drop", REF_CREATE, "refs/heads/out", "ref"},
        {"build", REF_CREATE, "refs/for/review", ""},
    };

    for (size_t i = 0; i < GL_ARRAY_SIZE(cases); i++) {
        struct repository_name name;
        struct verdict verdict = {0};
        bool allowed;

        assert_true(repository_name_parse(BYTES("acme"), bytes_of_string(cases[i].repository), &name));
        allowed = policy_decide_ref(rules_find(&team, &name), bytes_of_string(cases[i].ref), cases[i].change, &verdict);
        assert_string_equal(reason_row(verdict.reason)->code, cases[i].expected);
        assert_int_equal(allowed, cases[i].expected[0] == '\0');
    }
}

static void a_refused_ref_and_its_rule_are_named(void **state)
{
    struct verdict verdict;

    assert_false(policy_decide_ref(&team.rules[0], BYTES("refs/heads/main"), REF_UPDATE, &verdict));
    assert_string_equal(verdict.sentence,
                        "the rule does not allow to push this ref: refs/heads/main (rule acme/widgets)");
    assert_true(policy_decide_ref(NULL, BYTES("refs/heads/main"), REF_DELETE, &verdict));
}

static void lfs_is_decided_by_its_body(void **state)
{
    static const struct {
        const char *target;
        bool write;
        const char *ref;
        const char *expected;
    } cases[] = {
        {BATCH("acme/widgets"), false, "", "acme/widgets contents:read"},
        {BATCH("acme/widgets"), false, "refs/heads/main", "acme/widgets contents:read"},
        {BATCH("acme/widgets"), true, "", "acme/widgets contents:write"},
        {BATCH("acme/widgets"), true, "refs/heads/agent/a", "acme/widgets contents:write"},
        {BATCH("acme/widgets"), true, "refs/heads/main", "ref"},
        {BATCH("acme/widgets"), true, "main", "ref"},
        {LOCKS("acme/widgets"), true, "refs/heads/main", "ref"},
        {LOCKS("acme/widgets"), true, "refs/heads/agent/a", "acme/widgets contents:write"},
        {BATCH("acme/fixed"), true, "refs/heads/main", "acme/fixed contents:write"},
        {BATCH("acme/else"), true, "", "lfs"},
        {BATCH("acme/else"), false, "", "acme/else contents:read"},
        {BATCH("acme/drop"), false, "", "lfs"},
        {BATCH("acme/drop"), true, "", "acme/drop contents:write"},
        {BATCH("acme/hidden"), true, "", "lfs"},
        {BATCH("torvalds/linux"), false, "", "no token"},
        {BATCH("torvalds/linux"), true, "", "repository"},
    };
    struct policy_hosts hosts;

    policy_hosts_init(&hosts, NULL);
    for (size_t i = 0; i < GL_ARRAY_SIZE(cases); i++) {
        struct operation operation;
        struct policy_decision decision = decide(&hosts, &team, "POST", cases[i].target, &operation);
        char text[POLICY_CASE_SIZE];

        policy_decide_lfs(&operation, cases[i].write, bytes_of_string(cases[i].ref), &decision);
        assert_string_equal(policy_case_describe(&decision, text), cases[i].expected);
    }
    policy_hosts_clear(&hosts);
}

static void graphql_goes_to_the_owner_that_is_named(void **state)
{
    const struct rules two_owners = {
        .present = true,
        .count = 3,
        .rules =
            (struct rule[]){
                {.match = TEXT("acme/a"), .fetch = true, .graphql = true},
                {.match = TEXT("acme/b"), .graphql = true, .permissions = {1, {{"issues", PERMISSION_READ}}}},
                {.match = TEXT("umbrella/*"), .graphql = true, .permissions = {1, {{"issues", PERMISSION_READ}}}},
            },
    };
    const struct rules one_owner = {.present = true, .count = 2, .rules = two_owners.rules};
    static const struct {
        int owners;
        const char *default_owner;
        const char *asked;
        const char *expected;
    } cases[] = {
        {2, NULL, "umbrella", "set umbrella issues:read"},
        {2, NULL, "acme", "set acme none"},
        {2, NULL, "", "set * none"},
        {2, "umbrella", "", "set umbrella issues:read"},
        {2, "umbrella", "evil", "graphql"},
        {1, "umbrella", "", "set acme none"},
        {1, NULL, "umbrella", "graphql"},
    };

    for (size_t i = 0; i < GL_ARRAY_SIZE(cases); i++) {
        const struct rules *rules = cases[i].owners == 2 ? &two_owners : &one_owner;
        struct policy_decision decision;
        struct policy_hosts hosts;
        struct operation operation;
        char text[POLICY_CASE_SIZE];

        policy_hosts_init(&hosts, cases[i].default_owner);
        decide(&hosts, rules, "POST", "/graphql", &operation);
        policy_decide_graphql(rules, &operation, bytes_of_string(cases[i].asked), &decision);
        assert_string_equal(policy_case_describe(&decision, text), cases[i].expected);
        policy_hosts_clear(&hosts);
    }
}

static void a_set_is_named_where_no_pattern_is_in_it(void **state)
{
    const struct rules rules = {
        .present = true,
        .count = 6,
        .rules =
            (struct rule[]){
                {.match = TEXT("acme/closed")},
                {.match = TEXT("acme/a"), .permissions = {1, {{"issues", PERMISSION_READ}}}},
                {.match = TEXT("acme/a"), .permissions = {1, {{"issues", PERMISSION_WRITE}}}},
                {.match = TEXT("acme/closed"), .permissions = {1, {{"issues", PERMISSION_READ}}}},
                {.match = TEXT("*/b"), .permissions = {1, {{"issues", PERMISSION_READ}}}},
                {.match = TEXT("umbrella/*"), .permissions = {1, {{"issues", PERMISSION_READ}}}},
            },
    };
    struct policy_hosts hosts;
    struct operation operation;
    struct policy_decision decision;
    struct repository_name names[4], closed, b;

    policy_hosts_init(&hosts, "acme");
    decision = decide(&hosts, &rules, "GET", "/user", &operation);
    assert_int_equal(decision.scope.names(decision.scope.rules, "acme", names, 4), 2);
    assert_string_equal(names[0].name, "a");
    assert_string_equal(names[1].name, "b");
    assert_string_equal(names[1].owner, "acme");
    assert_int_equal(decision.scope.names(decision.scope.rules, "acme", names, 1), 0);
    assert_int_equal(decision.scope.names(decision.scope.rules, "umbrella", names, 4), 0);

    assert_true(repository_name_parse(BYTES("acme"), BYTES("closed"), &closed));
    assert_true(repository_name_parse(BYTES("umbrella"), BYTES("b"), &b));
    assert_false(decision.scope.includes(decision.scope.rules, &closed));
    assert_true(decision.scope.includes(decision.scope.rules, &b));
    policy_hosts_clear(&hosts);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_team_gets_what_its_rules_say),
        cmocka_unit_test(without_rules_all_is_allowed_but_credentials),
        cmocka_unit_test(rules_that_name_nothing_deny_all),
        cmocka_unit_test(denied_pages_are_denied_and_pages_of_allowed_repositories_are_not),
        cmocka_unit_test(an_enterprise_servers_objects_pass_where_pages_are_denied),
        cmocka_unit_test(a_decision_tells_the_rule_and_the_use),
        cmocka_unit_test(locks_are_not_found_where_no_push_is),
        cmocka_unit_test(an_id_is_decided_by_its_name),
        cmocka_unit_test(refs_are_decided_by_kind_of_change),
        cmocka_unit_test(a_refused_ref_and_its_rule_are_named),
        cmocka_unit_test(lfs_is_decided_by_its_body),
        cmocka_unit_test(graphql_goes_to_the_owner_that_is_named),
        cmocka_unit_test(a_set_is_named_where_no_pattern_is_in_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
