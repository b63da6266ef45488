#include "buffer.h"

#include <sys/mman.h>
#include <unistd.h>

#include "cmocka_unit.h"
#include "mem.h"

static const struct buffer empty;

static void assert_holds(const struct buffer *buffer, const char *expected)
{
    assert_true(bytes_equal(buffer_data(buffer), bytes_of_string(expected)));
}

// As a stream would that reads `count` bytes.
static void fill(struct buffer *buffer, size_t count)
{
    size_t room;

    memset(buffer_room(buffer, &room), 'x', count);
    assert_true(count <= room);
    buffer_commit(buffer, count);
}

static size_t room_of(struct buffer *buffer)
{
    size_t room;
    char *to = buffer_room(buffer, &room);

    assert_non_null(to);
    buffer_commit(buffer, 0);
    return room;
}

static void first_byte_takes_a_block_last_one_gives_it_back(void **state)
{
    struct buffer buffer = {0};
    size_t room;
    char *to = buffer_room(&buffer, &room);

    assert_int_equal(room, BUFFER_SIZE);
    assert_int_equal(buffer_blocks_used(), 1);
    buffer_commit(&buffer, 0);
    assert_int_equal(buffer_blocks_used(), 0);
    to = buffer_room(&buffer, &room);
    memcpy(to, "abc", 3);
    buffer_commit(&buffer, 3);
    assert_holds(&buffer, "abc");
    buffer_consume(&buffer, 2);
    assert_holds(&buffer, "c");
    assert_int_equal(buffer_free_size(&buffer), BUFFER_SIZE - 1);
    buffer_consume(&buffer, 1);
    assert_true(buffer_empty(&buffer));
    assert_int_equal(buffer_blocks_used(), 0);
    assert_memory_equal(&buffer, &empty, sizeof(buffer));
}

static void append_all_or_nothing(void **state)
{
    struct buffer buffer = {0};
    char *many = mem_alloc_zero(1, BUFFER_SIZE + 1);

    assert_false(buffer_append(&buffer, bytes_of(many, BUFFER_SIZE + 1)));
    assert_true(buffer_empty(&buffer));
    assert_true(buffer_append(&buffer, bytes_of(many, 0)));
    assert_int_equal(buffer_blocks_used(), 0);
    assert_true(buffer_append(&buffer, bytes_of(many, BUFFER_SIZE)));
    assert_false(buffer_append(&buffer, BYTES("x")));
    buffer_consume(&buffer, 10);
    assert_true(buffer_append(&buffer, BYTES("0123456789")));
    assert_int_equal(buffer_size(&buffer), BUFFER_SIZE);
    buffer_consume(&buffer, BUFFER_SIZE - 10);
    assert_holds(&buffer, "0123456789");
    buffer_clear(&buffer);
    assert_int_equal(buffer_blocks_used(), 0);
    mem_free(many);
}

static void room_is_never_less_than_a_record_where_little_is_unread(void **state)
{
    struct buffer buffer = {0};

    fill(&buffer, BUFFER_SIZE - 100);
    buffer_consume(&buffer, BUFFER_SIZE - 200);
    assert_int_equal(room_of(&buffer), BUFFER_SIZE - 100);
    fill(&buffer, BUFFER_SIZE - 100);
    assert_int_equal(room_of(&buffer), 0); // full is full
    buffer_clear(&buffer);
}

// Against a plain string: what comes out is what went in, in order, whatever the sizes.
static void any_sequence_keeps_the_bytes(void **state)
{
    struct buffer buffer = {0};
    unsigned seed = 3, put = 0, got = 0;

    for (int step = 0; step < 20000; step++) {
        size_t room, count;
        char *to = buffer_room(&buffer, &room);

        assert_true(room > 0 || buffer_size(&buffer) == BUFFER_SIZE);
        count = (size_t)rand_r(&seed) % 20000;
        count = count < room ? count : room;
        for (size_t i = 0; i < count; i++)
            to[i] = (char)(put++ % 251);
        buffer_commit(&buffer, count);
        count = (size_t)rand_r(&seed) % 20000;
        count = count < buffer_size(&buffer) ? count : buffer_size(&buffer);
        for (size_t i = 0; i < count; i++)
            if (buffer_data(&buffer).data[i] != (char)(got++ % 251))
                fail_msg("byte %u differs", got - 1);
        buffer_consume(&buffer, count);
        assert_int_equal(buffer_size(&buffer), put - got);
    }
    buffer_clear(&buffer);
}

// The next taker of the same block must find nothing, at no place where the secret was.
static void a_secret_is_wiped_wherever_it_was(void **state)
{
    struct buffer buffer = {0}, next = {0};
    size_t room;
    char *to;

    fill(&buffer, BUFFER_SIZE - 10);
    assert_true(buffer_append(&buffer, BYTES("TOKENTOKEN")));
    buffer_mark_secret(&buffer);
    buffer_consume(&buffer, BUFFER_SIZE - 10);
    assert_true(buffer_append(&buffer, BYTES("!"))); // moves it to the front
    assert_holds(&buffer, "TOKENTOKEN!");
    to = buffer.block;
    buffer_consume(&buffer, 11);
    assert_ptr_equal(buffer_room(&next, &room), to);
    assert_null(memmem(to, BUFFER_SIZE, "TOKEN", 5));
    buffer_commit(&next, 1);
    assert_false(next.secret);
    buffer_clear(&next);
}

static size_t resident_pages(void)
{
    unsigned long total, resident;
    FILE *statm = fopen("/proc/self/statm", "re");

    assert_int_equal(fscanf(statm, "%lu %lu", &total, &resident), 2);
    fclose(statm);
    return resident;
}

static void memory_is_given_back_after_a_burst(void **state)
{
    enum { BURST = 1000 };
    static struct buffer buffers[BURST];
    size_t before = resident_pages(), at_peak, after;
    const size_t pages = BUFFER_SIZE / (size_t)sysconf(_SC_PAGESIZE);

    for (int i = 0; i < BURST; i++)
        fill(&buffers[i], BUFFER_SIZE);
    at_peak = resident_pages();
    assert_int_equal(buffer_blocks_used(), BURST);
    for (int i = 0; i < BURST; i++)
        buffer_consume(&buffers[i], BUFFER_SIZE);
    after = resident_pages();
    assert_int_equal(buffer_blocks_used(), 0);
    assert_true(at_peak - before > 900 * pages);
    assert_true(after - before < 100 * pages);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_byte_takes_a_block_last_one_gives_it_back),
        cmocka_unit_test(append_all_or_nothing),
        cmocka_unit_test(room_is_never_less_than_a_record_where_little_is_unread),
        cmocka_unit_test(any_sequence_keeps_the_bytes),
        cmocka_unit_test(a_secret_is_wiped_wherever_it_was),
        cmocka_unit_test(memory_is_given_back_after_a_burst),
    };

    return cmocka_run_group_tests_name("buffer", tests, NULL, NULL);
}
