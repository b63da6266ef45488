#include "glob.h"

#include <time.h>

#include <gitlatch/attr.h>

#include "cmocka_unit.h"

static void stars_stay_within_a_segment_and_two_cross(void **state)
{
    static const struct {
        const char *pattern;
        const char *text;
        bool matches;
    } cases[] = {
        {"refs/heads/main", "refs/heads/main", true},
        {"refs/heads/main", "refs/heads/Main", false},
        {"refs/heads/main", "refs/heads/main2", false},
        {"refs/heads/main", "refs/heads/mai", false},
        {"", "", true},
        {"", "a", false},
        {"*", "", true},
        {"*", "a", true},
        {"*", "a/b", false},
        {"**", "", true},
        {"**", "a/b/c", true},
        {"a/*", "a/", true},
        {"a/*", "a/b", true},
        {"a/*", "a/b/c", false},
        {"a/*", "a", false},
        {"a/**", "a/b/c", true},
        {"a/**", "a", false},
        {"*/c", "a/c", true},
        {"*/c", "a/b/c", false},
        {"**/c", "a/b/c", true},
        {"a*c", "abbbc", true},
        {"a*c", "ac", true},
        {"a*c", "ab/c", false},
        {"a**c", "ab/c", true},
        {"a*b*c", "aXbYbZc", true},
        {"a*b*c", "aXbYbZ", false},
        {"**/x/*", "a/b/x/c", true},
        {"**/x/*", "a/x/b/x/c", true},
        {"**/x/*", "a/x/b/c", false},
        {"*x**y", "ax/b/y", true},
        {"*x**y", "a/x/y", false},
        {"a?c", "abc", false},
        {"[a]", "a", false},
        {"a.c", "abc", false},
    };

    for (size_t i = 0; i < GL_ARRAY_SIZE(cases); i++)
        if (glob_match(bytes_of_string(cases[i].pattern), bytes_of_string(cases[i].text)) != cases[i].matches)
            fail_msg("%s on %s", cases[i].pattern, cases[i].text);
}

static void case_counts_unless_asked_not_to(void **state)
{
    assert_false(glob_match(BYTES("Acme/*"), BYTES("acme/x")));
    assert_true(glob_match_nocase(BYTES("Acme/W*s"), BYTES("aCME/widgetS")));
    assert_false(glob_match_nocase(BYTES("acme/*"), BYTES("acme/a/b")));
}

// What the two wildcards mean, by trying everything.
static bool means(const char *pattern, const char *text)
{
    bool crosses = pattern[0] == '*' && pattern[1] == '*';

    if (*pattern == '\0')
        return *text == '\0';
    if (*pattern != '*')
        return *pattern == *text && means(pattern + 1, text + 1);
    for (const char *rest = text;; rest++) {
        if (means(pattern + (crosses ? 2 : 1), rest))
            return true;
        if (*rest == '\0' || (*rest == '/' && !crosses))
            return false;
    }
}

// All patterns of up to 5 characters on all texts of up to 5.
static void every_short_pattern_means_what_it_says(void **state)
{
    static const char pattern_letters[] = "ab/*", text_letters[] = "ab/";
    size_t matched = 0;

    for (unsigned p = 0; p < 1024; p++) {
        char pattern[6] = "";

        for (unsigned i = 0; i < 5; i++)
            pattern[i] = pattern_letters[(p >> (2 * i)) & 3];
        if (strstr(pattern, "***"))
            continue;
        for (unsigned t = 0; t < 4 * 243; t++) {
            char text[6] = "";
            unsigned rest = t / 4;

            for (unsigned i = 0; i < 2 + t % 4; i++, rest /= 3)
                text[i] = text_letters[rest % 3];
            if (glob_match(bytes_of_string(pattern), bytes_of_string(text)) != means(pattern, text))
                fail_msg("%s on %s", pattern, text);
            matched += means(pattern, text);
        }
    }
    assert_true(matched > 1000);
}

// A matcher that backtracks takes longer than the universe here.
static void no_pattern_is_slow(void **state)
{
    static char pattern[GLOB_SIZE_MAX + 1], text[4097];
    clock_t start = clock();

    for (size_t i = 0; i + 3 < GLOB_SIZE_MAX; i += 3)
        memcpy(pattern + i, "**a", 3);
    memset(text, 'a', 4096);
    text[4095] = 'b';
    assert_false(glob_match(bytes_of_string(pattern), bytes_of_string(text)));
    assert_true(clock() - start < 5 * CLOCKS_PER_SEC);
}

static clock_t time_of(struct bytes pattern, struct bytes text)
{
    clock_t start = clock();

    for (int i = 0; i < 20; i++)
        assert_false(glob_match(pattern, text));
    return clock() - start;
}

// The text comes from whoever pushes: what it costs must not grow with what the operator wrote.
static void a_long_pattern_costs_no_more_than_a_short_one(void **state)
{
    static char pattern[GLOB_SIZE_MAX], text[64 * KIB];
    clock_t cheap, dear;

    memset(pattern, 'p', sizeof(pattern));
    memcpy(pattern, "refs/**/", 8);
    memset(text, 't', sizeof(text));
    memcpy(text, "refs/", 5);
    cheap = time_of(bytes_of(pattern, 16), bytes_of(text, sizeof(text)));
    dear = time_of(bytes_of(pattern, sizeof(pattern)), bytes_of(text, sizeof(text)));
    assert_true(dear < 8 * cheap + CLOCKS_PER_SEC / 50);
}

static void a_pattern_that_is_too_long_matches_nothing(void **state)
{
    static char pattern[GLOB_SIZE_MAX + 2];

    memset(pattern, 'a', sizeof(pattern) - 1);
    assert_false(glob_match(bytes_of_string(pattern), bytes_of_string(pattern)));
    pattern[GLOB_SIZE_MAX] = '\0';
    assert_true(glob_match(bytes_of_string(pattern), bytes_of_string(pattern)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stars_stay_within_a_segment_and_two_cross),
        cmocka_unit_test(case_counts_unless_asked_not_to),
        cmocka_unit_test(every_short_pattern_means_what_it_says),
        cmocka_unit_test(no_pattern_is_slow),
        cmocka_unit_test(a_long_pattern_costs_no_more_than_a_short_one),
        cmocka_unit_test(a_pattern_that_is_too_long_matches_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
