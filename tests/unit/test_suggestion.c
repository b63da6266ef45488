#include "suggestion.h"

#include "cmocka_unit.h"

static const char *nearest(const char *word)
{
    static const char *const known[] = {"listen", "limits", "log", "token_file", "admin", "ca"};
    struct suggestion suggestion;

    suggestion_init(&suggestion, bytes_of_string(word));
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        suggestion_offer(&suggestion, known[i]);
    return suggestion.nearest;
}

static void test_near(void **state)
{
    assert_string_equal(nearest("listn"), "listen");   // dropped
    assert_string_equal(nearest("listten"), "listen"); // added
    assert_string_equal(nearest("lisetn"), "listen");  // swapped
    assert_string_equal(nearest("LISTEN"), "listen");  // case
    assert_string_equal(nearest("lmits"), "limits");
    assert_string_equal(nearest("logs"), "log");
    assert_string_equal(nearest("token"), "token_file");   // half of it
    assert_string_equal(nearest("limits.idle"), "limits"); // more than it
}

static void test_far(void **state)
{
    assert_null(nearest("xyzzy"));
    assert_null(nearest("q"));
    assert_null(nearest(""));
    assert_null(nearest("zz"));
    assert_null(nearest("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
                        "aaaaaaaaaaaaaaa"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_near),
        cmocka_unit_test(test_far),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
