#include "rule_grant.h"

#include "cmocka_unit.h"
#include "text.h"

#define TEXT(literal) ((char[]){literal})

static const struct rules rules = {
    .present = true,
    .count = 4,
    .rules =
        (struct rule[]){
            {.match = TEXT("acme/widgets"),
             .push = {REF_SET_PATTERNS, (char *[]){TEXT("refs/heads/agent/*")}, 1},
             .permissions =
                 {3, {{"issues", PERMISSION_WRITE}, {"pages", PERMISSION_READ}, {"pull_request", PERMISSION_WRITE}}}},
            {.match = TEXT("acme/*"), .fetch = true},
            {.match = TEXT("globex/*"), .permissions = {1, {{"secrets", PERMISSION_READ}}}},
            {.match = TEXT("*/docs"), .fetch = true, .permissions = {1, {{"pull_requests", PERMISSION_READ}}}},
        },
};
static const int lines[] = {4, 8, 10, 12};
static struct text said;

static void on_lack(void *arg, const char *text)
{
    text_format(&said, "%s\n", text);
}

static void compare(const char *owner, const struct permissions *granted)
{
    text_clear(&said);
    rule_grant_compare(&rules, lines, owner, granted, on_lack, NULL);
}

static void what_was_granted_is_not_told_of(void **state)
{
    const struct permissions all = {5,
                                    {{"contents", PERMISSION_WRITE},
                                     {"issues", PERMISSION_ADMIN},
                                     {"pages", PERMISSION_READ},
                                     {"pull_request", PERMISSION_WRITE},
                                     {"pull_requests", PERMISSION_READ}}};

    compare("acme", &all);
    assert_string_equal(text_string(&said), "");
}

static void what_was_not_is_told_with_its_cure(void **state)
{
    const struct permissions some = {
        3, {{"contents", PERMISSION_READ}, {"issues", PERMISSION_READ}, {"pull_requests", PERMISSION_WRITE}}};

    compare("acme", &some);
    assert_string_equal(
        text_string(&said),
        "rule acme/widgets (line 4): `push` needs `contents: write`, but acme granted the App `contents: read`; lower it, "
        "or ask for it in the App's settings and have acme accept that\n"
        "rule acme/widgets (line 4): `permissions` names `issues: write`, but acme granted the App `issues: read`; lower "
        "it, or ask for it in the App's settings and have acme accept that\n"
        "rule acme/widgets (line 4): `permissions` names `pages: read`, which acme did not grant the App; take it out, or "
        "ask for it in the App's settings and have acme accept that\n"
        "rule acme/widgets (line 4): `permissions` names `pull_request: write`, which acme did not grant the App; did you "
        "mean `pull_requests`? Else take it out, or ask for it in the App's settings and have acme accept that\n");
}

static void who_may_only_delete_writes(void **state)
{
    struct rule rule = {.match = TEXT("acme/widgets"), .delete = {.kind = REF_SET_ALL}};
    const struct rules one = {.present = true, .count = 1, .rules = &rule};
    const struct permissions some = {1, {{"contents", PERMISSION_READ}}};

    text_clear(&said);
    rule_grant_compare(&one, NULL, "acme", &some, on_lack, NULL);
    assert_non_null(strstr(text_string(&said), "`delete` needs `contents: write`, but acme granted"));
}

static void rules_of_other_owners_are_not_compared(void **state)
{
    const struct permissions none = {0};

    compare("initech", &none);
    assert_string_equal(
        text_string(&said),
        "rule */docs (line 12): `fetch` needs `contents: read`, which initech did not grant the App; take it out, or ask "
        "for it in the App's settings and have initech accept that\n"
        "rule */docs (line 12): `permissions` names `pull_requests: read`, which initech did not grant the App; take it "
        "out, or ask for it in the App's settings and have initech accept that\n");
    text_free(&said);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_granted_is_not_told_of),
        cmocka_unit_test(what_was_not_is_told_with_its_cure),
        cmocka_unit_test(who_may_only_delete_writes),
        cmocka_unit_test(rules_of_other_owners_are_not_compared),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
