// The framing of a message's body (RFC 9112, 6 and 7): metered, never buffered, never copied. Framing alone
// ends a body; the end of input inside it is a truncation, which must reach the other side as one.
//
// A body is read by body_feed (forwarding: which bytes go on as they are) or body_next_data (its payload: for
// a gate that looks inside, and to take the chunks off for an HTTP/1.0 client). Both move the same state on;
// to look inside what is forwarded later, read through a copy of the struct.
#ifndef GITLATCH_BODY_H
#define GITLATCH_BODY_H

#include <stdbool.h>
#include <stdint.h>

#include <gitlatch/attr.h>

#include "bytes.h"
#include "head.h"

// Extensions of one chunk; nobody sends any. They are dropped, so that a byte of payload must not cost many
// of them.
#define BODY_EXTENSION_MAX 256
// The whole trailer section.
#define BODY_TRAILER_MAX (8 * KIB)

enum body_kind { BODY_NONE, BODY_LENGTH, BODY_CHUNKED, BODY_UNTIL_CLOSE };

enum body_result {
    BODY_MORE, // go on with what follows the bytes that were used: at once where there are some
    BODY_DONE, // what follows belongs to the next message
    BODY_BAD,  // malformed, see `bad`; both sides are cut
};

struct body {
    enum body_kind kind;
    uint64_t left;    // BODY_LENGTH, or the chunk: bytes of data still to come
    const char *bad;  // BODY_BAD: a clause that says what is wrong, static
    uint8_t state;    // BODY_CHUNKED: what is awaited, see body.c
    uint8_t digits;   // of the chunk size
    uint16_t dropped; // bytes of the chunk's extensions, or of the trailer section
};

// RFC 9112, 6.3. CONNECT has no body; after a 2xx to it the tunnel begins.
void body_from_request(struct body *body, const struct head *request);
// `method` is that of the request that is answered.
void body_from_response(struct body *body, const struct head *response, enum head_method method);
// Whether the body is at its end: at once for BODY_NONE and a length of 0.
bool body_is_done(const struct body *body);

// How many of the input's first bytes are to be passed on as they are, and how many after them are to be
// dropped (chunk extensions and trailer fields: what is passed on is chunked with an empty trailer section).
// The two are what was used of the input.
enum body_result body_feed(struct body *body, struct bytes input, size_t *ret_pass, size_t *ret_drop) GL_MUST_CHECK;

// Uses the first `ret_used` bytes of the input and gives the one stretch of payload among them, a view that
// may be empty. `ret_used` is 0 only for an empty input or a body that was done before.
enum body_result body_next_data(struct body *body, struct bytes input, size_t *ret_used, struct bytes *ret_data)
    GL_MUST_CHECK;

// What frames payload that was taken off a body, so that the rest of the body can follow as it is. Neither is NUL-terminated.
#define BODY_FRAME_SIZE 32
struct body_frame {
    char before[BODY_FRAME_SIZE];
    size_t before_size;
    char after[BODY_FRAME_SIZE];
    size_t after_size;
};

// `payload` bytes are to be sent before what follows of the input. With a length there is nothing to add.
struct body_frame body_frame(const struct body *body, uint64_t payload);

// No more input will come. True: the body is whole. False: it is truncated.
bool body_end_of_input(const struct body *body) GL_MUST_CHECK;

#endif
