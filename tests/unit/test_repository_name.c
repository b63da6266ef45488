#include <gitlatch/repository_name.h>

#include "cmocka_unit.h"

static void made_normal(void **state)
{
    static const struct {
        const char *owner, *name, *normal_owner, *normal_name;
    } cases[] = {
        {"acme", "widgets", "acme", "widgets"},
        {"Acme", "WIDGETS.git", "acme", "widgets"},
        {"acme_corp", "widgets.GIT", "acme_corp", "widgets"},
        {"a", ".github", "a", ".github"},
        {"a", "...", "a", "..."},
    };

    for (size_t i = 0; i < GL_ARRAY_SIZE(cases); i++) {
        struct bytes owner = bytes_of_string(cases[i].owner), written = bytes_of_string(cases[i].name);
        struct repository_name name;

        assert_true(repository_name_parse(owner, written, &name));
        assert_string_equal(name.owner, cases[i].normal_owner);
        assert_string_equal(name.name, cases[i].normal_name);
    }
}

static void malformed_is_refused_and_leaves_the_output(void **state)
{
    static const struct {
        struct bytes owner, name;
    } cases[] = {
        {BYTES(""), BYTES("w")},          {BYTES("a"), BYTES("")},          {BYTES("a"), BYTES(".git")},
        {BYTES("a"), BYTES("w.git.git")}, {BYTES("a"), BYTES("w.GIT.git")}, {BYTES("a"), BYTES(".")},
        {BYTES("a"), BYTES("..")},        {BYTES("a"), BYTES("..git")},     {BYTES("a"), BYTES("...git")},
        {BYTES("a.b"), BYTES("w")},       {BYTES("a"), BYTES("w%2e")},      {BYTES("a/b"), BYTES("w")},
        {BYTES("a"), BYTES("w/x")},       {BYTES("a"), BYTES("w\0x")},      {BYTES("a"), BYTES("w\\x")},
        {BYTES("a"), BYTES("w x")},       {BYTES("\xc3\xa4"), BYTES("w")},  {BYTES("a:b"), BYTES("w")},
        {BYTES("a@b"), BYTES("w")},       {BYTES("a"), BYTES("w;x")},
    };
    struct repository_name name = {"before", "before"};

    for (size_t i = 0; i < GL_ARRAY_SIZE(cases); i++)
        assert_false(repository_name_parse(cases[i].owner, cases[i].name, &name));
    assert_string_equal(name.owner, "before");
    assert_string_equal(name.name, "before");
}

static void longest_names(void **state)
{
    char a[REPOSITORY_NAME_SIZE + 1];
    struct repository_name name;

    memset(a, 'a', sizeof(a));
    assert_true(repository_name_parse(bytes_of(a, OWNER_NAME_SIZE - 1), BYTES("w"), &name));
    assert_true(repository_name_parse(BYTES("a"), bytes_of(a, REPOSITORY_NAME_SIZE - 1), &name));
    assert_false(repository_name_parse(bytes_of(a, OWNER_NAME_SIZE), BYTES("w"), &name));
    assert_false(repository_name_parse(BYTES("a"), bytes_of(a, REPOSITORY_NAME_SIZE), &name));
}

static void equal_by_both_parts(void **state)
{
    struct repository_name a, b;

    assert_true(repository_name_parse(BYTES("Acme"), BYTES("w.git"), &a));
    assert_true(repository_name_parse(BYTES("acme"), BYTES("W"), &b));
    assert_true(repository_name_equal(&a, &b));
    assert_true(repository_name_parse(BYTES("other"), BYTES("w"), &b));
    assert_false(repository_name_equal(&a, &b));
    assert_true(repository_name_parse(BYTES("acme"), BYTES("x"), &b));
    assert_false(repository_name_equal(&a, &b));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(made_normal),
        cmocka_unit_test(malformed_is_refused_and_leaves_the_output),
        cmocka_unit_test(longest_names),
        cmocka_unit_test(equal_by_both_parts),
    };

    return cmocka_run_group_tests_name("repository_name", tests, NULL, NULL);
}
