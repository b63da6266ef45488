
#include <errno.h>

#include "cmocka_unit.h"
#include "error.h"

static void set_gives_false_and_the_text(void **state)
{
    struct error error;

    assert_false(error_set(&error, "%s: line %d", "a.yaml", 3));
    assert_string_equal(error.text, "a.yaml: line 3");
}

static void prefix_stands_before(void **state)
{
    struct error error;

    error_set(&error, "no such file");
    assert_false(error_prefix(&error, "%s", "reading key"));
    assert_string_equal(error.text, "reading key: no such file");
}

static void long_text_is_cut_and_terminated(void **state)
{
    char long_text[3 * ERROR_TEXT_SIZE];
    struct error error;

    memset(long_text, 'x', sizeof(long_text) - 1);
    long_text[sizeof(long_text) - 1] = '\0';
    error_set(&error, "%s", long_text);
    assert_int_equal(strlen(error.text), ERROR_TEXT_SIZE - 1);
    error_prefix(&error, "context");
    assert_int_equal(strlen(error.text), ERROR_TEXT_SIZE - 1);
    assert_memory_equal(error.text, "context: xxx", 12);
}

static void what_cannot_be_read_is_told_with_what_mends_it(void **state)
{
    struct error error;

    assert_false(error_set_unreadable(&error, "/a.pem", ENOENT));
    assert_string_equal(error.text, "/a.pem: No such file or directory; put it there, or name another file");
    error_set_unreadable(&error, "/a.pem", EACCES);
    assert_non_null(strstr(error.text, "/a.pem: Permission denied; this user (uid "));
    error_set_unreadable(&error, "/a.pem", EIO);
    assert_string_equal(error.text, "/a.pem: Input/output error");
}

static void nobody_needs_the_text(void **state)
{
    assert_false(error_set(NULL, "x"));
    assert_false(error_prefix(NULL, "x"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(set_gives_false_and_the_text),
        cmocka_unit_test(prefix_stands_before),
        cmocka_unit_test(long_text_is_cut_and_terminated),
        cmocka_unit_test(what_cannot_be_read_is_told_with_what_mends_it),
        cmocka_unit_test(nobody_needs_the_text),
    };

    return cmocka_run_group_tests_name("error", tests, NULL, NULL);
}
