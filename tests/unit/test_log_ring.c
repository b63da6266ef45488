#include "log_ring.h"

#include "cmocka_unit.h"
#include "mem.h"

#define LINE_MAX_SIZE 5000

// The n-th line of a run: its size, its sink and its bytes follow from its number.
static size_t make_line(unsigned number, char *line, enum log_sink *ret_sink)
{
    size_t size = number * 7919u % LINE_MAX_SIZE + 1;

    memset(line, 'a' + (int)(number % 26), size);
    *ret_sink = number % 3 ? LOG_SINK_AUDIT : LOG_SINK_ERROR;
    return size;
}

static bool put(struct log_ring *ring, unsigned number)
{
    char line[LINE_MAX_SIZE];
    enum log_sink sink;
    size_t size = make_line(number, line, &sink);

    return log_ring_put(ring, sink, LOG_SHARE_ALL, bytes_of(line, size));
}

static void expect(struct log_ring *ring, unsigned number)
{
    char line[LINE_MAX_SIZE], taken[LINE_MAX_SIZE];
    enum log_sink sink;
    size_t size = make_line(number, line, &sink);
    struct log_ring_line next;

    assert_true(log_ring_next(ring, &next));
    assert_int_equal(next.size, size);
    assert_int_equal(next.sink, sink);
    log_ring_take(ring, taken);
    assert_memory_equal(taken, line, size);
}

static void lines_come_out_in_order(void **state)
{
    struct log_ring ring;
    struct log_ring_line next;
    unsigned in = 0, out = 0;

    log_ring_init(&ring);
    assert_false(log_ring_next(&ring, &next));
    // Twenty times round, never empty in between: records and lines are cut at every place.
    while (out < 20 * LOG_RING_SIZE / (LINE_MAX_SIZE / 2)) {
        for (int i = 0; i < 50; i++)
            assert_true(put(&ring, in++));
        while (in - out > 20)
            expect(&ring, out++);
    }
    while (out < in)
        expect(&ring, out++);
    assert_false(log_ring_next(&ring, &next));
    assert_int_equal(log_ring_used(&ring), 0);
    log_ring_clear(&ring);
}

static void it_is_bounded(void **state)
{
    struct log_ring ring;
    char *large = mem_alloc_zero(1, LOG_RING_SIZE);
    unsigned in = 0, out = 0;

    log_ring_init(&ring);
    assert_false(log_ring_put(&ring, LOG_SINK_AUDIT, LOG_SHARE_ALL, bytes_of(large, LOG_RING_SIZE)));
    assert_int_equal(log_ring_used(&ring), 0);
    while (put(&ring, in))
        in++;
    assert_in_range(log_ring_used(&ring), LOG_RING_SIZE - 2 * LINE_MAX_SIZE, LOG_RING_SIZE);
    // What was refused left nothing behind, and what is taken makes room.
    expect(&ring, out++);
    log_ring_drop(&ring);
    out++;
    while (!put(&ring, in))
        expect(&ring, out++);
    in++;
    while (out < in)
        expect(&ring, out++);
    log_ring_clear(&ring);
    mem_free(large);
}

static size_t fill(struct log_ring *ring, enum log_share share)
{
    char line[1000] = {0};
    size_t lines = 0;

    while (log_ring_put(ring, LOG_SINK_AUDIT, share, bytes_of(line, sizeof(line))))
        lines++;
    return lines;
}

static void what_matters_less_leaves_room(void **state)
{
    struct log_ring ring;

    log_ring_init(&ring);
    assert_true(log_ring_keep(&ring, 100 * KIB));
    assert_in_range(fill(&ring, LOG_SHARE_REFUSAL), 1, LOG_RING_SIZE / 8 / 1000);
    assert_in_range(fill(&ring, LOG_SHARE_OTHER), 1, LOG_RING_SIZE / 8 / 1000);
    assert_int_equal(fill(&ring, LOG_SHARE_REFUSAL), 0);
    assert_in_range(fill(&ring, LOG_SHARE_ALL), LOG_RING_SIZE / 2 / 1000, LOG_RING_SIZE / 1000);
    // The ring is full but for the room that was kept.
    assert_false(log_ring_keep(&ring, KIB));
    log_ring_give_back(&ring, 100 * KIB);
    assert_in_range(fill(&ring, LOG_SHARE_ALL), 100, 102);
    assert_false(log_ring_keep(&ring, KIB));
    log_ring_clear(&ring);
}

static void an_empty_line_is_one(void **state)
{
    struct log_ring ring;
    struct log_ring_line next;

    log_ring_init(&ring);
    assert_true(log_ring_put(&ring, LOG_SINK_ERROR, LOG_SHARE_OTHER, BYTES("")));
    assert_true(log_ring_next(&ring, &next));
    assert_int_equal(next.size, 0);
    log_ring_drop(&ring);
    assert_false(log_ring_next(&ring, &next));
    log_ring_clear(&ring);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_come_out_in_order),
        cmocka_unit_test(it_is_bounded),
        cmocka_unit_test(what_matters_less_leaves_room),
        cmocka_unit_test(an_empty_line_is_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
