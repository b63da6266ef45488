#include "lru.h"

#include "cmocka_unit.h"
#include "mem.h"

struct thing {
    struct lru_entry entry; // first
    bool busy;
};

static unsigned freed;

static void thing_free(struct lru_entry *entry)
{
    freed++;
    mem_free(entry);
}

static bool thing_idle(const struct lru_entry *entry)
{
    return !((const struct thing *)entry)->busy;
}

static struct thing *add(struct lru *lru, const char *key)
{
    struct thing *thing = mem_alloc_zero(1, sizeof(*thing));

    lru_add(lru, &thing->entry, bytes_of_string(key));
    return thing;
}

static bool has(const struct lru *lru, const char *key)
{
    return lru_find(lru, bytes_of_string(key)) != NULL;
}

static void what_is_added_is_found(void **state)
{
    struct lru lru;

    freed = 0;
    lru_init(&lru, 10, NULL, thing_free);
    struct thing *one = add(&lru, "one"), *empty = add(&lru, "");
    assert_ptr_equal(lru_find(&lru, BYTES("one")), one);
    assert_ptr_equal(lru_find(&lru, BYTES("")), empty);
    assert_false(has(&lru, "on"));
    assert_false(has(&lru, "one "));
    lru_drop(&lru, &one->entry);
    assert_false(has(&lru, "one"));
    assert_int_equal(freed, 1);
    lru_clear(&lru);
    assert_int_equal(freed, 2);
    assert_int_equal(lru.count, 0);
}

// Keys are bytes: a hash may hold any.
static void keys_may_hold_any_byte(void **state)
{
    struct lru lru;
    struct thing *thing = mem_alloc_zero(1, sizeof(*thing));

    lru_init(&lru, 10, NULL, thing_free);
    lru_add(&lru, &thing->entry, BYTES("a\0b"));
    assert_ptr_equal(lru_find(&lru, BYTES("a\0b")), thing);
    assert_null(lru_find(&lru, BYTES("a\0c")));
    assert_null(lru_find(&lru, BYTES("a")));
    lru_clear(&lru);
}

static void the_one_used_longest_ago_makes_room(void **state)
{
    struct lru lru;

    lru_init(&lru, 3, NULL, thing_free);
    struct thing *one = add(&lru, "1");
    add(&lru, "2");
    add(&lru, "3");
    lru_use(&lru, &one->entry);
    assert_true(has(&lru, "2")); // finding is no use
    add(&lru, "4");
    assert_false(has(&lru, "2"));
    add(&lru, "5");
    assert_false(has(&lru, "3"));
    assert_true(has(&lru, "1"));
    assert_int_equal(lru.count, 3);
    lru_clear(&lru);
}

static void who_is_waited_for_stays(void **state)
{
    struct lru lru;

    lru_init(&lru, 2, thing_idle, thing_free);
    struct thing *one = add(&lru, "1"), *two = add(&lru, "2");
    one->busy = two->busy = true;
    assert_false(lru_make_room(&lru));
    add(&lru, "3"); // beyond the bound
    assert_int_equal(lru.count, 3);
    one->busy = false;
    assert_true(lru_make_room(&lru));
    assert_false(has(&lru, "1"));
    assert_true(has(&lru, "2"));
    lru_clear(&lru);
}

static void entries_come_in_order(void **state)
{
    const struct lru_entry *entry;
    char order[8] = "";
    struct lru lru;

    lru_init(&lru, 10, NULL, thing_free);
    struct thing *one = add(&lru, "1");
    add(&lru, "2");
    add(&lru, "3");
    lru_use(&lru, &one->entry);
    LRU_FOREACH(entry, &lru)
    strncat(order, entry->key.data, entry->key.size);
    assert_string_equal(order, "132");
    *order = '\0';
    LRU_FOREACH_OLDEST_FIRST(entry, &lru)
    strncat(order, entry->key.data, entry->key.size);
    assert_string_equal(order, "231");
    assert_ptr_equal(lru_first(&lru), one);
    assert_int_equal(lru_next(lru_first(&lru))->key.data[0], '3');
    lru_clear(&lru);
    assert_null(lru_first(&lru));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_added_is_found),
        cmocka_unit_test(keys_may_hold_any_byte),
        cmocka_unit_test(the_one_used_longest_ago_makes_room),
        cmocka_unit_test(who_is_waited_for_stays),
        cmocka_unit_test(entries_come_in_order),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
