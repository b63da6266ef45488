#include "redact.h"

#include "bytes.h"
#include "cmocka_unit.h"
#include "mem.h"

#define C36 "abcdefghijklmnopqrstuvwxyz0123456789"

static void assert_redacted(const char *given, const char *expected)
{
    char *line = mem_string(given);

    line[redact(line, strlen(line))] = '\0';
    assert_string_equal(line, expected);
    mem_free(line);
}

static void credentials_are_replaced(void **state)
{
    assert_redacted("ghs_" C36, "[redacted]");
    assert_redacted("token ghs_12345_" C36 "." C36 "-_" C36 "!", "token [redacted]!");
    assert_redacted("ghp_" C36 " gho_" C36 " ghu_" C36 " ghr_" C36, "[redacted] [redacted] [redacted] [redacted]");
    assert_redacted("x=github_pat_" C36 C36 "0123456789&y", "x=[redacted]&y");
    assert_redacted("https://x-access-token:ghs_" C36 "@github.com/", "https://x-access-token:[redacted]@github.com/");
    assert_redacted("Bearer eyJhbGciOiJSUzI1NiJ9." C36 "." C36, "Bearer [redacted]");
    assert_redacted("Basic eC1hY2Nlc3MtdG9rZW46Z2hzX2FiY2RlZmdoaWprbG1ub3BxcnN0dXZ3eHl6MDEyMzQ1Njc4OQ==;",
                    "Basic [redacted];");
}

static void the_rest_stays(void **state)
{
    assert_redacted("", "");
    assert_redacted("ghs_short", "ghs_short");
    assert_redacted("ghs_abcdefghijklmnopqrstuvwxyz012345678", "ghs_abcdefghijklmnopqrstuvwxyz012345678");
    assert_redacted("ghx_" C36, "ghx_" C36);
    assert_redacted("a g gh ghs ghs_", "a g gh ghs ghs_");
    assert_redacted("refs/heads/github_pat", "refs/heads/github_pat");
}

// Wherever it begins, whatever comes before and after it.
static void at_every_place(void **state)
{
    static const char *const fillers[] = {"a", " ", "\"a", "/=", "gh", "ab cd:"};
    char line[512], expected[512];

    for (size_t i = 0; i < GL_ARRAY_SIZE(fillers); i++) {
        for (int before = 0; before <= 90; before++) {
            char filler[91];

            for (int at = 0; at < 90; at++)
                filler[at] = fillers[i][(size_t)at % strlen(fillers[i])];
            snprintf(line, sizeof(line), "%.*sghs_" C36 "\"%.*s", before, filler, 90 - before, filler);
            snprintf(expected, sizeof(expected), "%.*s[redacted]\"%.*s", before, filler, 90 - before, filler);
            assert_redacted(line, expected);
            snprintf(line, sizeof(line), "%.*seyJ" C36, before, filler);
            snprintf(expected, sizeof(expected), "%.*s[redacted]", before, filler);
            assert_redacted(line, expected);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(credentials_are_replaced),
        cmocka_unit_test(at_every_place),
        cmocka_unit_test(the_rest_stays),
    };

    return cmocka_run_group_tests_name("redact", tests, NULL, NULL);
}
