#include "audit_ring.h"

#include <stdio.h>

#include "cmocka_unit.h"
#include "mem.h"

struct seen {
    uint64_t first, last;
    size_t count;
    char text[32]; // of the last
};

static void see(void *arg, uint64_t number, struct bytes line)
{
    struct seen *seen = arg;

    if (seen->count++ == 0)
        seen->first = number;
    seen->last = number;
    snprintf(seen->text, sizeof(seen->text), "%.*s", (int)line.size, line.data);
}

static struct seen each(uint64_t after)
{
    struct seen seen = {0};

    audit_ring_each(after, see, &seen);
    return seen;
}

static void the_last_are_kept_and_handed_on(void **state)
{
    struct seen watched = {0}, seen = each(0);
    char *large = mem_alloc_zero(1, AUDIT_RING_LINE_MAX + 1);

    assert_int_equal(seen.count, 0);
    struct audit_ring_watch one = {.fn = see, .arg = &watched}, two = one;

    audit_ring_watch(&one);
    audit_ring_watch(&two);
    audit_ring_unwatch(&two);
    for (int i = 1; i <= AUDIT_RING_EVENTS + 50; i++) {
        char line[16];

        snprintf(line, sizeof(line), "{%d}", i);
        audit_ring_add(bytes_of_string(line));
    }
    audit_ring_add(bytes_of(large, AUDIT_RING_LINE_MAX + 1)); // not kept
    audit_ring_unwatch(&one);
    assert_int_equal(watched.count, AUDIT_RING_EVENTS + 50);
    seen = each(0);
    assert_int_equal(seen.count, AUDIT_RING_EVENTS);
    assert_int_equal(seen.first, 51);
    assert_string_equal(seen.text, "{250}");
    seen = each(248);
    assert_int_equal(seen.count, 2);
    assert_int_equal(seen.first, 249);
    assert_int_equal(each(250).count, 0);
    assert_int_equal(each(9999).count, AUDIT_RING_EVENTS); // another process's number
    mem_free(large);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_last_are_kept_and_handed_on)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
