#include "accepted_permissions.h"

#include "cmocka_unit.h"

static struct permissions granted_of(struct bytes list)
{
    struct permissions granted = {0};

    assert_true(list.size == 0 || accepted_permissions_next(&list, &granted));
    return granted;
}

static void what_is_lacking(void **state)
{
    static const struct {
        struct bytes accepted, granted;
        bool lacking;
    } cases[] = {
        {BYTES("issues=write"), BYTES("issues=write"), false},
        {BYTES("issues=write"), BYTES("issues=read"), true},
        {BYTES("issues=read"), BYTES("issues=write,contents=read"), false},
        {BYTES("issues=write"), BYTES(""), true},
        {BYTES("metadata=read"), BYTES(""), false},
        {BYTES("pull_requests=write,contents=read"), BYTES("pull_requests=write"), true},
        {BYTES("pull_requests=write,contents=read"), BYTES("pull_requests=write,contents=write"), false},
        {BYTES("pull_requests=write; issues=write"), BYTES("issues=write"), false},
        {BYTES("pull_requests=write;issues=write"), BYTES("contents=write"), true},
        {BYTES(" issues = write , contents = read "), BYTES("issues=write"), true},
        // Nothing is known of what cannot be read.
        {BYTES(""), BYTES(""), false},
        {BYTES("allows_permissionless_access=true"), BYTES(""), false},
        {BYTES("issues"), BYTES(""), false},
        {BYTES("issues=everything"), BYTES(""), false},
        {BYTES("issues=write; wishes=three"), BYTES(""), false},
    };

    for (size_t i = 0; i < GL_ARRAY_SIZE(cases); i++) {
        struct permissions granted = granted_of(cases[i].granted);

        if (accepted_permissions_lack(cases[i].accepted, &granted) != cases[i].lacking)
            fail_msg("%.*s", (int)cases[i].accepted.size, cases[i].accepted.data);
    }
}

static void they_are_written_as_a_rule_has_them(void **state)
{
    struct text text = {0};

    accepted_permissions_append(BYTES("pull_requests=write,contents=read; issues=write"), &text);
    assert_string_equal(text_string(&text),
                        "`permissions: {contents: read, pull_requests: write}` or `permissions: {issues: write}`");
    text_free(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_lacking),
        cmocka_unit_test(they_are_written_as_a_rule_has_them),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
