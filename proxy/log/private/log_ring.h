// Lines on their way to the thread that writes them, in order, each with the sink that it is for. Bounded; of no thread:
// who calls holds the lock of its owner.
#ifndef GITLATCH_LOG_RING_H
#define GITLATCH_LOG_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <gitlatch/attr.h>

#include "bytes.h"

// 1 MiB: about 1,500 audit events of 700 bytes, more than half a second of the most requests that a core
// serves.
#define LOG_RING_SIZE (1 * MIB)

enum log_sink { LOG_SINK_ERROR, LOG_SINK_AUDIT, LOG_SINK_COUNT };

struct log_ring {
    char *bytes;
    uint64_t put;   // bytes put since it was last empty; position: modulo its size
    uint64_t taken; // bytes taken since then; never more than `put`
};

struct log_ring_line {
    size_t size;
    enum log_sink sink;
};

void log_ring_init(struct log_ring *ring);
void log_ring_clear(struct log_ring *ring);

// Bytes in it: of the lines, and a few more for each.
size_t log_ring_used(const struct log_ring *ring);
// False: there is no room for the line, and nothing was put.
bool log_ring_put(struct log_ring *ring, enum log_sink sink, struct bytes line) GL_MUST_CHECK;
// The line that has been in it longest. False: it is empty.
bool log_ring_next(const struct log_ring *ring, struct log_ring_line *ret_line) GL_MUST_CHECK;
// Takes that line out, to where there is room for it. There is one.
void log_ring_take(struct log_ring *ring, char *to);
void log_ring_drop(struct log_ring *ring);

#endif
