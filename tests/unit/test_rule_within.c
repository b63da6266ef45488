#include "cmocka_unit.h"
#include "policy_case.h"

#include <stdlib.h>

#define LIST(...)     .patterns = (char *[]){__VA_ARGS__}, .count = sizeof((char *[]){__VA_ARGS__}) / sizeof(char *)
#define TEXT(literal) ((char[]){literal})
#define PATTERNS(...)                                                                                                  \
    {                                                                                                                  \
        .kind = REF_SET_PATTERNS, LIST(__VA_ARGS__)                                                                    \
    }
#define ALL                                                                                                            \
    {                                                                                                                  \
        .kind = REF_SET_ALL                                                                                            \
    }

// Pieces of which the rules of both sides are made; what they hold overlaps in every way.
static char *const matches[] = {
    TEXT("acme/widgets"), TEXT("acme/*"),     TEXT("*/*"),     TEXT("*/w*"),
    TEXT("a*/*s"),        TEXT("globex/lib"), TEXT("acme/w*"), TEXT("globex/*"),
};
static const struct ref_set sets[] = {
    {.kind = REF_SET_NONE},
    ALL,
    PATTERNS(TEXT("refs/heads/agent/*")),
    PATTERNS(TEXT("refs/heads/main"), TEXT("refs/heads/*/fix")),
    PATTERNS(TEXT("refs/heads/**")),
    PATTERNS(TEXT("refs/tags/*")),
};
static const struct policy_case requests[] = {
    {'w', "GET", "/acme/widgets.git/info/refs?service=git-upload-pack", NULL},
    {'w', "GET", "/acme/gadgets/info/refs?service=git-upload-pack", NULL},
    {'w', "GET", "/globex/lib/info/refs?service=git-receive-pack", NULL},
    {'w', "GET", "/acme/widgets.git/info/refs?service=git-receive-pack", NULL},
    {'w', "POST", "/acme/widgets.git/info/lfs/locks", NULL},
    {'a', "GET", "/repos/acme/widgets/pulls/1", NULL},
    {'a', "GET", "/repos/acme/widgets/issues", NULL},
    {'a', "GET", "/repos/globex/lib", NULL},
};
static const char *const refs[] = {"refs/heads/main", "refs/heads/agent/1", "refs/heads/agent/fix", "refs/heads/x/fix",
                                   "refs/tags/v1"};
static char *paths_of_pulls[] = {TEXT("pulls/**")}, *paths_of_all[] = {TEXT("**")};

static unsigned next(unsigned bound)
{
    static uint64_t state = 88172645463325252u;

    // xorshift64 (Marsaglia, 2003): the same rules in each run.
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (unsigned)(state % bound);
}

static struct rule any_rule(void)
{
    static const char *const names[] = {"issues", "pull_requests"};
    struct rule rule = {
        .match = matches[next(GL_ARRAY_SIZE(matches))],
        .fetch = next(3) > 0,
        .push = sets[next(GL_ARRAY_SIZE(sets))],
        .delete = sets[next(GL_ARRAY_SIZE(sets))],
        .create = next(3) > 0,
        .max_pack = next(3) * 100,
    };

    for (size_t i = 0; i < GL_ARRAY_SIZE(names); i++)
        if (next(2))
            assert_true(permissions_add(&rule.permissions, bytes_of_string(names[i]), 1 + next(2)));
    if (next(3) == 0) {
        rule.paths.patterns = next(2) ? paths_of_pulls : paths_of_all;
        rule.paths.count = 1;
    }
    return rule;
}

static bool operation_of(const struct policy_hosts *hosts, const struct policy_case *request,
                         struct operation *ret_operation, struct target *ret_target)
{
    struct verdict verdict;

    return target_parse(policy_case_method(request->method), bytes_of_string(request->target), ret_target, NULL) &&
           github_operation_parse(&hosts->dotcom, request->host == 'a' ? GITHUB_ENDPOINT_API : GITHUB_ENDPOINT_WEB,
                                  policy_case_method(request->method), ret_target, ret_operation, &verdict);
}

static bool decide(const struct rules *rules, const struct operation *operation, struct policy_decision *ret_decision)
{
    policy_decide(rules, operation, ret_decision);
    return ret_decision->decision == DECISION_ALLOW;
}

static bool ref_allowed(const struct policy_decision *decision, const char *ref, enum ref_change change)
{
    struct verdict verdict;

    return policy_decide_ref(decision->rule, bytes_of_string(ref), change, &verdict);
}

static void hold_against(const struct policy_decision *both, const struct policy_decision *own,
                         const struct policy_decision *granted)
{
    static const enum ref_change changes[] = {REF_CREATE, REF_UPDATE, REF_DELETE};
    uint64_t least = own->rule->max_pack && (!granted->rule->max_pack || own->rule->max_pack < granted->rule->max_pack)
                         ? own->rule->max_pack
                         : granted->rule->max_pack;

    for (size_t i = 0; i < GL_ARRAY_SIZE(refs); i++)
        for (size_t j = 0; j < GL_ARRAY_SIZE(changes); j++)
            assert_int_equal(ref_allowed(both, refs[i], changes[j]),
                             ref_allowed(own, refs[i], changes[j]) && ref_allowed(granted, refs[i], changes[j]));
    assert_true(permissions_cover(&own->scope.permissions, &both->scope.permissions));
    assert_true(permissions_cover(&granted->scope.permissions, &both->scope.permissions));
    assert_int_equal(both->rule->max_pack, least);
}

// Whatever the rules: together they allow a request, and each ref of a push, exactly where both do.
static void together_they_allow_what_both_allow(void **state)
{
    struct policy_hosts hosts;
    unsigned allowed = 0;

    policy_hosts_init(&hosts, NULL);
    for (unsigned round = 0; round < 20000; round++) {
        struct rule first[3], second[3];
        struct rules own = {.present = true, .rules = first, .count = 1 + next(3)}, within;
        struct rules granted = {.present = true, .rules = second, .count = 1 + next(3)};

        for (size_t i = 0; i < 3; i++) {
            first[i] = any_rule();
            second[i] = any_rule();
        }
        assert_true(rules_within(&own, &granted, &within, NULL));
        for (size_t i = 0; i < GL_ARRAY_SIZE(requests); i++) {
            struct policy_decision by_own, by_granted, by_both;
            struct operation operation;
            struct target target;

            assert_true(operation_of(&hosts, &requests[i], &operation, &target));
            bool own_allows = decide(&own, &operation, &by_own);
            bool granted_allows = decide(&granted, &operation, &by_granted);
            bool expected = own_allows && granted_allows;
            // Of two rules for a push, one for creating and one for deleting, nothing is left to be pushed.
            bool seen = decide(&within, &operation, &by_both);
            if (seen != expected && !(expected && operation.kind == OPERATION_PUSH_REFS) &&
                !(expected && requests[i].host == 'a'))
                fail_msg("round %u, request %zu: %d, not %d", round, i, seen, expected);
            if (!seen)
                continue;
            allowed++;
            hold_against(&by_both, &by_own, &by_granted);
        }
        rules_clear(&within);
    }
    assert_true(allowed > 10000);
    policy_hosts_clear(&hosts);
}

static void a_refusal_names_the_patterns_that_refuse(void **state)
{
    struct rule first = {.match = TEXT("acme/*"), .push = PATTERNS(TEXT("refs/heads/*/fix")), .create = true};
    struct rule second = {.match = TEXT("acme/widgets"), .push = PATTERNS(TEXT("refs/heads/agent/*")), .create = true};
    struct rules own = {.present = true, .rules = &first, .count = 1}, within;
    struct rules granted = {.present = true, .rules = &second, .count = 1};
    struct verdict verdict;

    assert_true(rules_within(&own, &granted, &within, NULL));
    assert_int_equal(within.count, 1);
    assert_string_equal(within.rules[0].match, "acme/widgets");
    assert_true(policy_decide_ref(&within.rules[0], BYTES("refs/heads/agent/fix"), REF_UPDATE, &verdict));
    assert_false(policy_decide_ref(&within.rules[0], BYTES("refs/heads/x/fix"), REF_UPDATE, &verdict));
    assert_non_null(strstr(verdict.sentence, "rule acme/widgets"));
    rules_clear(&within);
}

static void too_many_pairs_are_refused(void **state)
{
    enum { COUNT = 80 };
    static struct rule rules[COUNT];
    static char match[] = "*/*";
    struct rules many = {.present = true, .rules = rules, .count = COUNT}, within;
    struct error error;

    for (size_t i = 0; i < COUNT; i++)
        rules[i].match = match;
    assert_false(rules_within(&many, &many, &within, &error));
    assert_non_null(strstr(error.text, "more than 4096"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(together_they_allow_what_both_allow),
        cmocka_unit_test(a_refusal_names_the_patterns_that_refuse),
        cmocka_unit_test(too_many_pairs_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
