// git's packet framing: four hex digits that count themselves, then the payload (gitprotocol-common(5),
// "pkt-line Format"; gitprotocol-v2(5) for the special packets).
#ifndef GITLATCH_PKTLINE_H
#define GITLATCH_PKTLINE_H

#include <stdbool.h>
#include <stddef.h>

#include <gitlatch/attr.h>

#include "bytes.h"
#include "text.h"

#define PKTLINE_HEADER_SIZE 4
// git's LARGE_PACKET_MAX: a packet with its header is at most 65520 bytes.
#define PKTLINE_PAYLOAD_MAX (65520 - PKTLINE_HEADER_SIZE)
// In a side band the first byte of the payload names the band.
#define PKTLINE_BAND_MAX (PKTLINE_PAYLOAD_MAX - 1)

enum pktline_result {
    PKTLINE_MORE, // all of the input is taken, and the packet is not whole
    PKTLINE_DATA,
    PKTLINE_FLUSH,        // 0000
    PKTLINE_DELIMITER,    // 0001
    PKTLINE_RESPONSE_END, // 0002
    PKTLINE_MALFORMED,    // not hex, 0003, or longer than a packet can be
};

// Reads packets from input that arrives in any pieces. Holds at most the one packet that is not whole. All
// zero is ready.
struct pktline_reader {
    char header[PKTLINE_HEADER_SIZE];
    size_t header_size; // bytes of the header that have arrived
    size_t missing;     // bytes of the payload that have not; meaningful with a whole header
    struct text carry;  // what has arrived of a payload that was cut
};

// Takes the next packet off the front of `input`. `ret_payload` (PKTLINE_DATA) is a view of the input or of
// the reader, valid until the next call. After PKTLINE_MALFORMED the reader is not to be used again.
enum pktline_result pktline_read(struct pktline_reader *reader, struct bytes *input, struct bytes *ret_payload)
    GL_MUST_CHECK;
void pktline_reader_clear(struct pktline_reader *reader);

// Appends a packet; the payload must not be longer than PKTLINE_PAYLOAD_MAX.
void pktline_append(struct text *out, struct bytes payload);
void pktline_append_flush(struct text *out);
// Appends bytes of any size to a side band, in as many packets as they need. 1: data, 2: progress.
void pktline_append_band(struct text *out, char band, struct bytes payload);

#endif
