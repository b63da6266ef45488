#include "buffer.h"

#include <assert.h>
#include <sys/mman.h>

#include "mem.h"

// Blocks are cut from slabs of 1 MiB, to have few mappings.
#define SLAB_BLOCKS 16
// 2 MiB of blocks stay warm. The loop serves one stream at a time and an emptied block is the next one taken,
// so few are in motion; what a burst took beyond that gives its memory back.
#define WARM_MAX 32
// One TLS record: a read into less would leave a part of it behind for another turn.
#define RECORD_SIZE (16 * KIB)

static struct {
    char *warm[WARM_MAX]; // spare, with memory
    size_t warm_count;
    char **cold; // spare, without memory; has room for every block there is
    size_t cold_count;
    size_t cold_capacity;
    size_t blocks;
} pool;

static void pool_grow(void)
{
    const size_t size = SLAB_BLOCKS * BUFFER_SIZE;
    char *slab = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (slab == MAP_FAILED)
        mem_exhausted();
    madvise(slab, size, MADV_DONTDUMP);
    madvise(slab, size, MADV_NOHUGEPAGE); // a block must not bring 2 MiB
    pool.blocks += SLAB_BLOCKS;
    pool.cold = mem_grow(pool.cold, &pool.cold_capacity, pool.blocks, sizeof(*pool.cold));
    for (size_t i = SLAB_BLOCKS; i-- > 0;)
        pool.cold[pool.cold_count++] = slab + i * BUFFER_SIZE;
}

static char *pool_take(void)
{
    if (pool.warm_count)
        return pool.warm[--pool.warm_count];
    if (!pool.cold_count)
        pool_grow();
    return pool.cold[--pool.cold_count];
}

static void pool_give(char *block)
{
    if (pool.warm_count < WARM_MAX) {
        pool.warm[pool.warm_count++] = block;
        return;
    }
    madvise(block, BUFFER_SIZE, MADV_DONTNEED);
    pool.cold[pool.cold_count++] = block;
}

size_t buffer_blocks_used(void)
{
    return pool.blocks - pool.warm_count - pool.cold_count;
}

static void buffer_check(const struct buffer *buffer)
{
    assert(buffer->start <= buffer->end && buffer->end <= BUFFER_SIZE);
    assert(buffer->block || buffer->end == 0);
}

// How far the block was ever written.
static size_t written(const struct buffer *buffer)
{
    return buffer->end > buffer->high ? buffer->end : buffer->high;
}

static void buffer_release(struct buffer *buffer)
{
    if (buffer->block && buffer->secret)
        explicit_bzero(buffer->block, written(buffer));
    if (buffer->block)
        pool_give(buffer->block);
    *buffer = (struct buffer){0};
}

struct bytes buffer_data(const struct buffer *buffer)
{
    buffer_check(buffer);
    // Not even 0 is added to a null pointer (C17 6.5.6).
    return bytes_of(buffer->block ? buffer->block + buffer->start : NULL, buffer_size(buffer));
}

// Moving costs a copy of what is unread: worth it where that is less than the room it gives.
static bool should_compact(const struct buffer *buffer)
{
    size_t tail = BUFFER_SIZE - buffer->end;

    return buffer->start && (tail == 0 || (tail < RECORD_SIZE && buffer_size(buffer) <= buffer->start));
}

char *buffer_room(struct buffer *buffer, size_t *ret_size)
{
    buffer_check(buffer);
    if (!buffer->block)
        buffer->block = pool_take();
    if (should_compact(buffer)) {
        buffer->high = (uint32_t)written(buffer);
        memmove(buffer->block, buffer->block + buffer->start, buffer_size(buffer));
        buffer->end -= buffer->start;
        buffer->start = 0;
    }
    *ret_size = BUFFER_SIZE - buffer->end;
    return buffer->block + buffer->end;
}

void buffer_commit(struct buffer *buffer, size_t count)
{
    buffer_check(buffer);
    assert(buffer->block && count <= BUFFER_SIZE - buffer->end);
    buffer->end += (uint32_t)count;
    if (buffer_empty(buffer))
        buffer_release(buffer);
}

void buffer_consume(struct buffer *buffer, size_t count)
{
    buffer_check(buffer);
    assert(count <= buffer_size(buffer));
    buffer->start += (uint32_t)count;
    if (buffer_empty(buffer))
        buffer_release(buffer);
}

bool buffer_append(struct buffer *buffer, struct bytes bytes)
{
    buffer_check(buffer);
    if (bytes.size > buffer_free_size(buffer))
        return false;
    while (bytes.size) {
        size_t room, part;
        char *to = buffer_room(buffer, &room);

        part = bytes.size < room ? bytes.size : room;
        memcpy(to, bytes.data, part);
        buffer_commit(buffer, part);
        bytes = bytes_skip(bytes, part);
    }
    return true;
}

void buffer_mark_secret(struct buffer *buffer)
{
    buffer_check(buffer);
    assert(!buffer_empty(buffer));
    buffer->secret = true;
}

void buffer_clear(struct buffer *buffer)
{
    buffer_check(buffer);
    buffer_release(buffer);
}
