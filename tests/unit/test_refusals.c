#include "refusals.h"

#include <stdio.h>

#include "cmocka_unit.h"
#include "mem.h"

static void expect_first(struct refusals *refusals, const char *line)
{
    struct text text = {0};

    assert_non_null(refusals_first(refusals));
    refusal_append(refusals_first(refusals), &text);
    assert_string_equal(text_string(&text), line);
    text_free(&text);
    refusals_drop(refusals);
}

static void those_of_one_client_and_reason_are_one_line(void **state)
{
    struct refusals refusals;

    refusals_init(&refusals);
    assert_null(refusals_first(&refusals));
    assert_true(refusals_add(&refusals, "10.0.0.1:1000", REASON_REF_DENIED, BYTES("{\"n\":1}")));
    assert_true(refusals_add(&refusals, "10.0.0.2:1000", REASON_REF_DENIED, BYTES("{\"n\":2}")));
    assert_true(refusals_add(&refusals, "10.0.0.1:1001", REASON_REF_DENIED, BYTES("{\"n\":3}")));
    assert_true(refusals_add(&refusals, "10.0.0.1:1002", REASON_PATH_DENIED, BYTES("{\"n\":4}")));
    assert_true(refusals_add(&refusals, "10.0.0.1:1003", REASON_REF_DENIED, BYTES("{\"n\":5}")));
    assert_true(refusals_add(&refusals, "[::1]:7", REASON_REF_DENIED, BYTES("{\"n\":6}")));
    assert_true(refusals_add(&refusals, "[::1]:8", REASON_REF_DENIED, BYTES("{\"n\":7}")));
    expect_first(&refusals, "{\"n\":1,\"repeated\":3}");
    expect_first(&refusals, "{\"n\":2}");
    expect_first(&refusals, "{\"n\":4}");
    expect_first(&refusals, "{\"n\":6,\"repeated\":2}");
    assert_null(refusals_first(&refusals));
}

static void it_is_bounded(void **state)
{
    struct refusals refusals;
    char client[32];
    char *large = mem_alloc_zero(1, REFUSALS_LINE_MAX + 1);

    refusals_init(&refusals);
    memset(large, 'x', REFUSALS_LINE_MAX + 1);
    assert_false(refusals_add(&refusals, "a:1", REASON_REF_DENIED, bytes_of(large, REFUSALS_LINE_MAX + 1)));
    for (int i = 0; i < REFUSALS_MAX; i++) {
        snprintf(client, sizeof(client), "10.0.0.%d:1", i);
        assert_true(refusals_add(&refusals, client, REASON_REF_DENIED, BYTES("{}")));
    }
    assert_false(refusals_add(&refusals, "10.1.0.0:1", REASON_REF_DENIED, BYTES("{}")));
    assert_true(refusals_add(&refusals, "10.0.0.5:2", REASON_REF_DENIED, BYTES("{}")));
    refusals_clear(&refusals);
    assert_null(refusals_first(&refusals));
    mem_free(large);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(those_of_one_client_and_reason_are_one_line),
        cmocka_unit_test(it_is_bounded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
