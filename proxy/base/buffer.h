// The bytes of one direction of a connection on their way through: one block of 64 KiB, taken from a free
// list for the first byte and given back when the last is consumed, so that an idle connection holds none.
//
//   block ├── consumed ──┤── unread: buffer_data ──┤── room: buffer_room ──┤
//         0            start                      end               BUFFER_SIZE
//
// Invariants: 0 <= start <= end <= BUFFER_SIZE. Where start == end, there is no block (all members are zero),
// except between buffer_room and its buffer_commit. A `struct buffer` that is all zero is empty and ready.
//
// Blocks are left out of core dumps; a burst's blocks go back to the system. For the loop's thread alone.
#ifndef GITLATCH_BUFFER_H
#define GITLATCH_BUFFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <gitlatch/attr.h>

#include "bytes.h"

// Four TLS records of 16 KiB: whole records are relayed, and a full buffer is about one segment burst.
#define BUFFER_SIZE (64 * KIB)

struct buffer {
    char *block;
    uint32_t start; // first unread byte
    uint32_t end;   // after the last unread byte
    uint32_t high;  // highest `end` before a compaction: bytes beyond were never written
    bool secret;    // the block holds or held a secret: wiped when given back
};

static inline bool buffer_empty(const struct buffer *buffer)
{
    return buffer->start == buffer->end;
}

// Unread bytes.
static inline size_t buffer_size(const struct buffer *buffer)
{
    return buffer->end - buffer->start;
}

// Bytes that can still be added, after compaction.
static inline size_t buffer_free_size(const struct buffer *buffer)
{
    return BUFFER_SIZE - buffer_size(buffer);
}

// The unread bytes; valid until the buffer is next written to, consumed or cleared.
struct bytes buffer_data(const struct buffer *buffer);

// Where to write: `*ret_size` bytes at the pointer given, 0 where the buffer is full. Moves unread bytes to
// the front when the tail is too small for a TLS record and that is cheap, or when there is no tail. Must be
// followed by buffer_commit, also when nothing was written.
char *buffer_room(struct buffer *buffer, size_t *ret_size) GL_MUST_CHECK;
// The first `count` bytes of the room are now unread data; 0 gives an unused block back.
void buffer_commit(struct buffer *buffer, size_t count);
// The first `count` unread bytes are done with.
void buffer_consume(struct buffer *buffer, size_t count);
// Adds a copy; false, and nothing added, where it does not fit.
bool buffer_append(struct buffer *buffer, struct bytes bytes) GL_MUST_CHECK;

// What is in the buffer includes a secret: its block is wiped when it is given back. Called while the secret
// is unread.
void buffer_mark_secret(struct buffer *buffer);
// Drops what is unread, and gives the block back (wiped where marked).
void buffer_clear(struct buffer *buffer);

// Blocks in use by buffers, for tests and the status page.
size_t buffer_blocks_used(void);

#endif
