#include "gunzip.h"

#include <zlib.h>

#include "mem.h"

// A piece is a few TCP segments: larger ones save no time.
#define GUNZIP_PIECE_SIZE (16 * KIB)
// The largest window, and 16 for a gzip header (zlib.h, inflateInit2).
#define GUNZIP_WINDOW_BITS (15 + 16)

struct gunzip {
    z_stream stream;
    uint64_t left; // bytes that may still come out
    bool ended;    // the member is whole
    bool failed;   // nothing more is read
    Bytef piece[GUNZIP_PIECE_SIZE];
};

struct gunzip *gunzip_new(uint64_t limit)
{
    struct gunzip *gunzip = mem_alloc_zero(1, sizeof(*gunzip));

    gunzip->left = limit;
    // It fails for want of memory alone, and then every read is GUNZIP_MALFORMED.
    gunzip->failed = inflateInit2(&gunzip->stream, GUNZIP_WINDOW_BITS) != Z_OK;
    return gunzip;
}

void gunzip_free(struct gunzip *gunzip)
{
    if (!gunzip)
        return;
    inflateEnd(&gunzip->stream);
    mem_free(gunzip);
}

static enum gunzip_result gunzip_fail(struct gunzip *gunzip, enum gunzip_result result)
{
    gunzip->failed = true;
    return result;
}

// Inflates once; false where the data is damaged. Gives how much came out.
static bool inflate_piece(struct gunzip *gunzip, struct bytes *input, size_t *ret_size)
{
    z_stream *stream = &gunzip->stream;
    uInt given = input->size > UINT32_MAX ? UINT32_MAX : (uInt)input->size;
    int result;

    stream->next_in = (z_const Bytef *)(uintptr_t)input->data;
    stream->avail_in = given;
    stream->next_out = gunzip->piece;
    stream->avail_out = sizeof(gunzip->piece);
    result = inflate(stream, Z_NO_FLUSH);
    if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR)
        return false;
    gunzip->ended = result == Z_STREAM_END;
    *input = bytes_skip(*input, given - stream->avail_in);
    *ret_size = sizeof(gunzip->piece) - stream->avail_out;
    return true;
}

enum gunzip_result gunzip_read(struct gunzip *gunzip, struct bytes *input, struct bytes *ret_piece)
{
    size_t size = 0;

    if (gunzip->failed)
        return GUNZIP_MALFORMED;
    if (!gunzip->ended) {
        if (!inflate_piece(gunzip, input, &size))
            return gunzip_fail(gunzip, GUNZIP_MALFORMED);
        if (size > gunzip->left)
            return gunzip_fail(gunzip, GUNZIP_TOO_LARGE);
        gunzip->left -= size;
        if (size) {
            *ret_piece = bytes_of((const char *)gunzip->piece, size);
            return GUNZIP_PIECE;
        }
    }
    if (gunzip->ended)
        return input->size ? gunzip_fail(gunzip, GUNZIP_MALFORMED) : GUNZIP_END;
    return GUNZIP_MORE;
}

enum content_coding content_coding(struct bytes value)
{
    if (value.size == 0 || bytes_equal_nocase(value, BYTES("identity")))
        return CONTENT_IDENTITY;
    if (bytes_equal_nocase(value, BYTES("gzip")) || bytes_equal_nocase(value, BYTES("x-gzip")))
        return CONTENT_GZIP;
    return CONTENT_OTHER;
}
