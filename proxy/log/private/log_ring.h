// Lines on their way to the thread that writes them, in order, each with the sink that it is for. Bounded; of no thread:
// who calls holds the lock of its owner.
#ifndef GITLATCH_LOG_RING_H
#define GITLATCH_LOG_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <gitlatch/attr.h>

#include "bytes.h"

// A quarter is about 3,000 audit events of 700 bytes, a second of the most requests that a core serves; the rest takes the
// events of 1,024 writes side by side, for which 4 KiB are kept each. A quiet ring touches few of its pages.
#define LOG_RING_SIZE (8 * MIB)

enum log_sink { LOG_SINK_ERROR, LOG_SINK_AUDIT, LOG_SINK_COUNT };

// How much of the ring a line may fill: what matters less leaves room for what matters more.
enum log_share {
    LOG_SHARE_REFUSAL, // an eighth
    LOG_SHARE_OTHER,   // a quarter
    LOG_SHARE_ALL,     // the event of a write, for which room is kept before the write is done
};

struct log_ring {
    char *bytes;
    uint64_t put;   // bytes put since it was last empty; position: modulo its size
    uint64_t taken; // bytes taken since then; never more than `put`
    size_t kept;    // bytes of room kept for lines that are still to come
};

struct log_ring_line {
    size_t size;
    enum log_sink sink;
};

void log_ring_init(struct log_ring *ring);
void log_ring_clear(struct log_ring *ring);

// Bytes in it: of the lines, and a few more for each.
size_t log_ring_used(const struct log_ring *ring);
// False: there is no room for the line in this share, and nothing was put.
bool log_ring_put(struct log_ring *ring, enum log_sink sink, enum log_share share, struct bytes line) GL_MUST_CHECK;
// Keeps room for a line of at most `size` bytes. False: there is none.
bool log_ring_keep(struct log_ring *ring, size_t size) GL_MUST_CHECK;
// Gives that room back; a line of LOG_SHARE_ALL and of that size fits now.
void log_ring_give_back(struct log_ring *ring, size_t size);
// The line that has been in it longest. False: it is empty.
bool log_ring_next(const struct log_ring *ring, struct log_ring_line *ret_line) GL_MUST_CHECK;
// Takes that line out, to where there is room for it. There is one.
void log_ring_take(struct log_ring *ring, char *to);
void log_ring_drop(struct log_ring *ring);

#endif
