#include "log_ring.h"

#include <assert.h>

#include "mem.h"

// What stands before each line.
struct record {
    uint32_t size;
    uint32_t sink;
};

void log_ring_init(struct log_ring *ring)
{
    *ring = (struct log_ring){.bytes = mem_alloc(LOG_RING_SIZE)};
}

void log_ring_clear(struct log_ring *ring)
{
    mem_free(ring->bytes);
    *ring = (struct log_ring){0};
}

static void copy_in(struct log_ring *ring, const void *from, size_t size)
{
    size_t at = ring->put % LOG_RING_SIZE;
    size_t first = size < LOG_RING_SIZE - at ? size : LOG_RING_SIZE - at;

    memcpy(ring->bytes + at, from, first);
    memcpy(ring->bytes, (const char *)from + first, size - first);
    ring->put += size;
}

static void copy_out(const struct log_ring *ring, uint64_t position, void *to, size_t size)
{
    size_t at = position % LOG_RING_SIZE;
    size_t first = size < LOG_RING_SIZE - at ? size : LOG_RING_SIZE - at;

    memcpy(to, ring->bytes + at, first);
    memcpy((char *)to + first, ring->bytes, size - first);
}

size_t log_ring_used(const struct log_ring *ring)
{
    return (size_t)(ring->put - ring->taken);
}

static bool log_ring_has_room(const struct log_ring *ring, enum log_share share, size_t line_size)
{
    static const size_t shares[] = {
        [LOG_SHARE_REFUSAL] = LOG_RING_SIZE / 8,
        [LOG_SHARE_OTHER] = LOG_RING_SIZE / 4,
        [LOG_SHARE_ALL] = LOG_RING_SIZE,
    };

    return log_ring_used(ring) + ring->kept + sizeof(struct record) + line_size <= shares[share];
}

bool log_ring_keep(struct log_ring *ring, size_t size)
{
    if (!log_ring_has_room(ring, LOG_SHARE_ALL, size))
        return false;
    ring->kept += sizeof(struct record) + size;
    return true;
}

void log_ring_give_back(struct log_ring *ring, size_t size)
{
    assert(ring->kept >= sizeof(struct record) + size);
    ring->kept -= sizeof(struct record) + size;
}

bool log_ring_put(struct log_ring *ring, enum log_sink sink, enum log_share share, struct bytes line)
{
    struct record record = {(uint32_t)line.size, (uint32_t)sink};

    if (!log_ring_has_room(ring, share, line.size))
        return false;
    copy_in(ring, &record, sizeof(record));
    copy_in(ring, line.data, line.size);
    return true;
}

bool log_ring_next(const struct log_ring *ring, struct log_ring_line *ret_line)
{
    struct record record;

    if (ring->taken == ring->put)
        return false;
    copy_out(ring, ring->taken, &record, sizeof(record));
    *ret_line = (struct log_ring_line){record.size, (enum log_sink)record.sink};
    return true;
}

static void advance(struct log_ring *ring, size_t line_size)
{
    ring->taken += sizeof(struct record) + line_size;
    if (ring->taken == ring->put)
        ring->taken = ring->put = 0; // the same pages again: a quiet ring stays small
}

void log_ring_take(struct log_ring *ring, char *to)
{
    struct log_ring_line line;
    bool any GL_UNUSED = log_ring_next(ring, &line);

    assert(any);
    copy_out(ring, ring->taken + sizeof(struct record), to, line.size);
    advance(ring, line.size);
}

void log_ring_drop(struct log_ring *ring)
{
    struct log_ring_line line;
    bool any GL_UNUSED = log_ring_next(ring, &line);

    assert(any);
    advance(ring, line.size);
}
