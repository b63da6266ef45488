// The decoded form of a gzip body (RFC 1952), for a gate that has to read it. Strict: one member, and nothing
// after it.
#ifndef GITLATCH_GUNZIP_H
#define GITLATCH_GUNZIP_H

#include <stdbool.h>
#include <stdint.h>

#include <gitlatch/attr.h>

#include "bytes.h"

enum gunzip_result {
    GUNZIP_PIECE,     // a piece came out, there may be more
    GUNZIP_MORE,      // all of the input is taken
    GUNZIP_END,       // the member has ended and its sum is right
    GUNZIP_MALFORMED, // damaged, or bytes follow the member
    GUNZIP_TOO_LARGE, // more than the limit would come out
};

struct gunzip;

// `limit`: most bytes that may come out. Takes about 40 KiB until gunzip_free.
struct gunzip *gunzip_new(uint64_t limit) GL_MUST_CHECK;
void gunzip_free(struct gunzip *gunzip);

// Takes from the front of `input` until a piece of at most 16 KiB is out; a view that is valid until the next
// call. After GUNZIP_END, MALFORMED or TOO_LARGE: any further input is GUNZIP_MALFORMED.
enum gunzip_result gunzip_read(struct gunzip *gunzip, struct bytes *input, struct bytes *ret_piece) GL_MUST_CHECK;

enum content_coding { CONTENT_IDENTITY, CONTENT_GZIP, CONTENT_OTHER };
// The value of Content-Encoding; a gate refuses CONTENT_OTHER (RFC 9110, 8.4).
enum content_coding content_coding(struct bytes value);

#endif
