#include <gitlatch/permissions.h>

#include "cmocka_unit.h"

static struct permissions make(const char *const pairs[][2])
{
    struct permissions made = {0};
    enum permission_level level;

    for (; (*pairs)[0]; pairs++) {
        assert_true(permission_level_parse(bytes_of_string((*pairs)[1]), &level));
        assert_true(permissions_add(&made, bytes_of_string((*pairs)[0]), level));
    }
    return made;
}

#define MAKE(...) make((const char *const[][2]){__VA_ARGS__, {NULL, NULL}})

static void assert_text(const struct permissions *permissions, const char *text)
{
    char buffer[PERMISSIONS_MAX * (PERMISSION_NAME_SIZE + 8)];

    assert_int_equal(permissions_format(permissions, buffer, sizeof(buffer)), strlen(text));
    assert_string_equal(buffer, text);
}

static void sorted_whatever_the_order(void **state)
{
    struct permissions a = MAKE({"issues", "read"}, {"contents", "write"}, {"issue", "admin"});
    struct permissions b = MAKE({"issue", "admin"}, {"issues", "read"}, {"contents", "write"});

    assert_text(&a, "contents:write,issue:admin,issues:read");
    assert_text(&b, "contents:write,issue:admin,issues:read");
    assert_true(permissions_equal(&a, &b));
    assert_memory_equal(&a, &b, sizeof(a));
}

static void added_twice_is_raised_never_lowered(void **state)
{
    struct permissions a = MAKE({"issues", "read"}, {"issues", "write"}, {"issues", "read"});

    assert_text(&a, "issues:write");
}

static void malformed_is_refused(void **state)
{
    struct permissions a = {0};
    enum permission_level level;
    char long_name[PERMISSION_NAME_SIZE + 1];

    memset(long_name, 'a', sizeof(long_name));
    assert_false(permissions_add(&a, BYTES(""), PERMISSION_READ));
    assert_false(permissions_add(&a, BYTES("Issues"), PERMISSION_READ));
    assert_false(permissions_add(&a, BYTES("a\":x"), PERMISSION_READ));
    assert_false(permissions_add(&a, BYTES("a\0b"), PERMISSION_READ));
    assert_false(permissions_add(&a, bytes_of(long_name, PERMISSION_NAME_SIZE), PERMISSION_READ));
    assert_false(permissions_add(&a, BYTES("issues"), PERMISSION_NONE));
    assert_int_equal(a.count, 0);
    assert_true(permissions_add(&a, bytes_of(long_name, PERMISSION_NAME_SIZE - 1), PERMISSION_READ));
    assert_false(permission_level_parse(BYTES("Write"), &level));
    assert_false(permission_level_parse(BYTES("none"), &level));
}

static void full_set_refuses_a_new_name_alone(void **state)
{
    struct permissions a = {0};
    char name[2] = "a";

    for (size_t i = 0; i < PERMISSIONS_MAX; i++) {
        char two[3] = {(char)('a' + i % 26), (char)('a' + i / 26), 0};
        assert_true(permissions_add(&a, bytes_of_string(two), PERMISSION_READ));
    }
    assert_false(permissions_add(&a, bytes_of_string(name), PERMISSION_READ));
    assert_true(permissions_add(&a, BYTES("aa"), PERMISSION_WRITE));
}

static void cover_and_intersect(void **state)
{
    struct permissions outer = MAKE({"contents", "write"}, {"issues", "read"}, {"metadata", "read"});
    struct permissions inner = MAKE({"contents", "read"}, {"issues", "read"});
    struct permissions wider = MAKE({"contents", "read"}, {"pull_requests", "read"}, {"issues", "write"});
    struct permissions none = {0}, both;

    assert_true(permissions_cover(&outer, &inner));
    assert_false(permissions_cover(&inner, &outer));
    assert_false(permissions_cover(&outer, &wider));
    assert_true(permissions_cover(&none, &none));
    permissions_intersect(&outer, &wider, &both);
    assert_text(&both, "contents:read,issues:read");
    permissions_intersect(&outer, &none, &outer);
    assert_text(&outer, "");
}

static void format_is_cut(void **state)
{
    struct permissions a = MAKE({"contents", "write"}, {"issues", "read"});
    char buffer[12] = "xxxxxxxxxxx";

    assert_int_equal(permissions_format(&a, buffer, sizeof(buffer)), 11);
    assert_string_equal(buffer, "contents:wr");
    assert_int_equal(permissions_format(&a, buffer, 0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sorted_whatever_the_order), cmocka_unit_test(added_twice_is_raised_never_lowered),
        cmocka_unit_test(malformed_is_refused),      cmocka_unit_test(full_set_refuses_a_new_name_alone),
        cmocka_unit_test(cover_and_intersect),       cmocka_unit_test(format_is_cut),
    };

    return cmocka_run_group_tests_name("permissions", tests, NULL, NULL);
}
