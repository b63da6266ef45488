// The request that the benchmark's client sends, again and again: what git asks, or a push of any size.
#ifndef GITLATCH_LOAD_REQUEST_H
#define GITLATCH_LOAD_REQUEST_H

#include "bench.h"

#define LOAD_BLOCK_DATA ((size_t)65536)
#define LOAD_BLOCK_MAX  (LOAD_BLOCK_DATA + 16)

enum load_kind { LOAD_REFS, LOAD_DOWN, LOAD_UP };

struct load_shape {
    enum load_kind kind;
    uint64_t bytes;            // of the answer, or of the push: in whole blocks
    bool chunked;              // framing of that body
    char host[64];             // of the Host field
    const char *prefix;        // before the target
    const char *authorization; // NULL: none
};

struct load_request {
    char head[BENCH_HEAD_MAX]; // and a small body
    size_t head_size;
    char first[LOAD_BLOCK_MAX], next[LOAD_BLOCK_MAX]; // of a push: the first block begins with its commands
    size_t block_size;                                // chunk framing included
    uint64_t blocks;
    const char *end;
    uint64_t size; // of all
};

void load_request_make(struct load_request *request, const struct load_shape *shape);
// The bytes from `offset` on, as far as they lie together.
const char *load_request_at(const struct load_request *request, uint64_t offset, size_t *ret_size);

#endif
