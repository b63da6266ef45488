#include "pktline.h"

#include <assert.h>

#include "percent.h"

// The length that a header says, or -1.
static int pktline_header_value(const char *header)
{
    int value = 0;

    for (size_t i = 0; i < PKTLINE_HEADER_SIZE; i++) {
        int digit = percent_hex_value(header[i]);

        if (digit < 0)
            return -1;
        value = value * 16 + digit;
    }
    return value;
}

// A header is whole: PKTLINE_DATA where a payload follows.
static enum pktline_result read_header(struct pktline_reader *reader)
{
    int value = pktline_header_value(reader->header);

    switch (value) {
    case 0:
        return PKTLINE_FLUSH;
    case 1:
        return PKTLINE_DELIMITER;
    case 2:
        return PKTLINE_RESPONSE_END;
    default:
        break;
    }
    if (value < PKTLINE_HEADER_SIZE || value > PKTLINE_PAYLOAD_MAX + PKTLINE_HEADER_SIZE)
        return PKTLINE_MALFORMED;
    reader->missing = (size_t)value - PKTLINE_HEADER_SIZE;
    text_clear(&reader->carry);
    return PKTLINE_DATA;
}

static struct bytes pktline_take(struct bytes *input, size_t most)
{
    struct bytes taken = bytes_of(input->data, input->size < most ? input->size : most);

    *input = bytes_skip(*input, taken.size);
    return taken;
}

enum pktline_result pktline_read(struct pktline_reader *reader, struct bytes *input, struct bytes *ret_payload)
{
    struct bytes piece;

    if (reader->header_size < PKTLINE_HEADER_SIZE) {
        enum pktline_result result;

        piece = pktline_take(input, PKTLINE_HEADER_SIZE - reader->header_size);
        if (piece.size)
            memcpy(reader->header + reader->header_size, piece.data, piece.size);
        reader->header_size += piece.size;
        if (reader->header_size < PKTLINE_HEADER_SIZE)
            return PKTLINE_MORE;
        result = read_header(reader);
        if (result != PKTLINE_DATA) {
            reader->header_size = 0;
            return result;
        }
    }

    piece = pktline_take(input, reader->missing);
    reader->missing -= piece.size;
    if (reader->missing || reader->carry.size)
        text_append_bytes(&reader->carry, piece);
    if (reader->missing)
        return PKTLINE_MORE;
    reader->header_size = 0;
    *ret_payload = reader->carry.size ? text_bytes(&reader->carry) : piece;
    return PKTLINE_DATA;
}

void pktline_reader_clear(struct pktline_reader *reader)
{
    text_free(&reader->carry);
    *reader = (struct pktline_reader){0};
}

void pktline_append(struct text *out, struct bytes payload)
{
    assert(payload.size <= PKTLINE_PAYLOAD_MAX);
    text_format(out, "%04zx", payload.size + PKTLINE_HEADER_SIZE);
    text_append_bytes(out, payload);
}

void pktline_append_flush(struct text *out)
{
    text_append(out, "0000");
}

void pktline_append_band(struct text *out, char band, struct bytes payload)
{
    while (payload.size) {
        struct bytes piece = pktline_take(&payload, PKTLINE_BAND_MAX);

        text_format(out, "%04zx%c", piece.size + 1 + PKTLINE_HEADER_SIZE, band);
        text_append_bytes(out, piece);
    }
}
