#include "rule_question.h"

#include "cmocka_unit.h"

#define TEXT(literal) ((char[]){literal})

static const struct permissions contents_read = {1, {{"contents", PERMISSION_READ}}};

static void a_repository_is_asked_for_as_a_fetch_does(void **state)
{
    struct rule rule = {.match = TEXT("acme/widgets"), .push = {.kind = REF_SET_ALL}};
    struct rule_question question;

    assert_true(rule_question(&rule, &question));
    assert_string_equal(question.name.owner, "acme");
    assert_string_equal(question.name.name, "widgets");
    assert_true(permissions_equal(&question.permissions, &contents_read));
    rule.push.kind = REF_SET_NONE;
    rule.delete.kind = REF_SET_ALL;
    assert_true(rule_question(&rule, &question));
    assert_true(permissions_equal(&question.permissions, &contents_read));
    rule.delete.kind = REF_SET_NONE;
    rule.permissions = (struct permissions){1, {{"issues", PERMISSION_WRITE}}};
    assert_true(rule_question(&rule, &question));
    assert_int_equal(question.permissions.count, 0); // what it asks for beyond is compared with the grant
}

static void of_a_pattern_of_names_the_owner_is_asked_for(void **state)
{
    const struct rule rule = {.match = TEXT("acme/w*"), .fetch = true};
    struct rule_question question;

    assert_true(rule_question(&rule, &question));
    assert_string_equal(question.name.owner, "acme");
    assert_string_equal(question.name.name, "");
    assert_int_equal(question.permissions.count, 0);
}

static void what_names_nobody_or_allows_nothing_is_not_asked_for(void **state)
{
    const struct rule pattern = {.match = TEXT("*/docs"), .fetch = true},
                      part = {.match = TEXT("ac*/docs"), .fetch = true}, nothing = {.match = TEXT("acme/secret")};
    struct rule_question question;

    assert_false(rule_question(&pattern, &question));
    assert_false(rule_question(&part, &question));
    assert_false(rule_question(&nothing, &question));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_repository_is_asked_for_as_a_fetch_does),
        cmocka_unit_test(of_a_pattern_of_names_the_owner_is_asked_for),
        cmocka_unit_test(what_names_nobody_or_allows_nothing_is_not_asked_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
