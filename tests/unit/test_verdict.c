#include <gitlatch/verdict.h>

#include "cmocka_unit.h"

static void reason_gives_sentence_and_status(void **state)
{
    struct verdict verdict;

    assert_false(verdict_set(&verdict, REASON_METHOD, NULL));
    assert_string_equal(verdict.sentence, "the method is not supported");
    assert_int_equal(verdict_status(&verdict), 405);
    verdict.status = 404;
    assert_int_equal(verdict_status(&verdict), 404);
}

static void what_a_peer_said_stays_one_line(void **state)
{
    struct verdict verdict;

    verdict_set(&verdict, REASON_GITHUB_REFUSED, "%s", "a\r\nb\x1b[31m\x7f\xc3\xa9");
    assert_string_equal(verdict.sentence, "a  b [31m \xc3\xa9");
    verdict_set(&verdict, REASON_GITHUB_REFUSED, "%s",
                "a\xc2\x9b"
                "31mb\xc2\xa9");
    assert_string_equal(verdict.sentence, "a  31mb\xc2\xa9");
}

// Also where the cut would go through it.
static void what_a_peer_said_holds_no_credential(void **state)
{
    struct verdict verdict;
    char long_text[VERDICT_SENTENCE_SIZE + 60];

    verdict_set(&verdict, REASON_GITHUB_REFUSED, "%s", "no: ghs_0123456789abcdefghijABCDEFGHIJ0123456789, sorry");
    assert_string_equal(verdict.sentence, "no: [redacted], sorry");

    memset(long_text, ' ', sizeof(long_text));
    snprintf(long_text + VERDICT_SENTENCE_SIZE - 20, 60, "ghs_0123456789abcdefghijABCDEFGHIJ0123456789");
    verdict_set(&verdict, REASON_GITHUB_REFUSED, "%s", long_text);
    assert_null(strstr(verdict.sentence, "ghs_"));
    assert_int_equal(strlen(verdict.sentence), VERDICT_SENTENCE_SIZE - 10);
}

static void a_long_sentence_is_cut_between_two_characters(void **state)
{
    struct verdict verdict;
    char long_text[VERDICT_SENTENCE_SIZE + 60];

    memset(long_text, 'x', sizeof(long_text));
    memcpy(long_text + VERDICT_SENTENCE_SIZE - 3, "\xe2\x82\xac", 4);
    verdict_set(&verdict, REASON_GITHUB_REFUSED, "%s", long_text);
    assert_int_equal(strlen(verdict.sentence), VERDICT_SENTENCE_SIZE - 3);
}

static void nothing_is_left_of_an_earlier_verdict(void **state)
{
    struct verdict verdict;

    memset(&verdict, 'x', sizeof(verdict));
    verdict_set(&verdict, REASON_RENAMED, "short");
    assert_int_equal(verdict.retry_after_s, 0);
    assert_int_equal(verdict.status, 0);
    assert_string_equal(verdict.location, "");
}

// Codes are labels, audit values and anchors of the manual: one reason each, lower case.
static void each_reason_has_a_code_of_its_own(void **state)
{
    assert_string_equal(reason_row(REASON_NONE)->code, "");
    for (enum reason a = REASON_NONE + 1; a < REASON_COUNT; a++) {
        const struct reason_row *row = reason_row(a);

        assert_true(row->code[0] != '\0');
        assert_int_equal(strspn(row->code, "abcdefghijklmnopqrstuvwxyz_"), strlen(row->code));
        assert_in_range(row->status, 300, 599);
        assert_true(strlen(row->meaning) < VERDICT_SENTENCE_SIZE);
        for (enum reason b = a + 1; b < REASON_COUNT; b++)
            assert_string_not_equal(row->code, reason_row(b)->code);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reason_gives_sentence_and_status),
        cmocka_unit_test(what_a_peer_said_stays_one_line),
        cmocka_unit_test(what_a_peer_said_holds_no_credential),
        cmocka_unit_test(nothing_is_left_of_an_earlier_verdict),
        cmocka_unit_test(each_reason_has_a_code_of_its_own),
        cmocka_unit_test(a_long_sentence_is_cut_between_two_characters),
    };

    return cmocka_run_group_tests_name("verdict", tests, NULL, NULL);
}
