#include "body.h"

#include <inttypes.h>
#include <stdio.h>

#include "percent.h"

// 15 hex digits stay below 2^60: the size cannot overflow, and a chunk is never that large.
#define CHUNK_SIZE_DIGITS_MAX 15

// What is awaited inside a chunked body (RFC 9112, 7.1). Order matters: see is_dropped.
enum chunk_state {
    CHUNK_SIZE, // a digit; after the first one also `;` or CR
    CHUNK_SIZE_LF,
    CHUNK_DATA,
    CHUNK_DATA_CR,
    CHUNK_DATA_LF,
    CHUNK_TRAILER, // a field, or the CR of the empty line
    CHUNK_END_LF,
    CHUNK_DONE,
    // from here on inside an extension: all but CR is dropped
    CHUNK_EXTENSION_NAME_FIRST,
    CHUNK_EXTENSION_NAME,
    CHUNK_EXTENSION_VALUE_FIRST,
    CHUNK_EXTENSION_TOKEN,
    CHUNK_EXTENSION_QUOTED,
    CHUNK_EXTENSION_ESCAPED,
    CHUNK_EXTENSION_QUOTED_END,
    // from here on inside a trailer field: all is dropped
    CHUNK_TRAILER_NAME,
    CHUNK_TRAILER_VALUE,
    CHUNK_TRAILER_LF,
};

static struct body body_body_of(enum body_kind kind, uint64_t length)
{
    return (struct body){.kind = kind, .left = length};
}

static struct body framed_as_parsed(const struct head *head, enum body_kind otherwise)
{
    if (head->chunked)
        return body_body_of(BODY_CHUNKED, 0);
    if (head->content_length > 0)
        return body_body_of(BODY_LENGTH, (uint64_t)head->content_length);
    return body_body_of(head->content_length == 0 ? BODY_NONE : otherwise, 0);
}

void body_from_request(struct body *body, const struct head *request)
{
    *body = framed_as_parsed(request, BODY_NONE);
}

void body_from_response(struct body *body, const struct head *response, enum head_method method)
{
    bool success = response->status >= 200 && response->status <= 299;

    if (method == METHOD_HEAD || response->status < 200 || response->status == 204 || response->status == 304 ||
        (method == METHOD_CONNECT && success))
        *body = body_body_of(BODY_NONE, 0);
    else
        *body = framed_as_parsed(response, BODY_UNTIL_CLOSE);
}

bool body_is_done(const struct body *body)
{
    switch (body->kind) {
    case BODY_NONE:
        return true;
    case BODY_LENGTH:
        return body->left == 0;
    case BODY_CHUNKED:
        return body->state == CHUNK_DONE;
    case BODY_UNTIL_CLOSE:
        return false;
    }
    return false;
}

bool body_end_of_input(const struct body *body)
{
    return body->kind == BODY_UNTIL_CLOSE || body_is_done(body);
}

static bool body_bad(struct body *body, const char *why)
{
    body->bad = why;
    return false;
}

static bool go(struct body *body, enum chunk_state state)
{
    body->state = state;
    return true;
}

static bool body_read_size(struct body *body, char byte)
{
    int digit = percent_hex_value(byte);

    if (digit >= 0) {
        if (++body->digits > CHUNK_SIZE_DIGITS_MAX)
            return body_bad(body, "a chunk size with too many digits");
        body->left = body->left * 16 + (uint64_t)digit;
        return true;
    }
    if (body->digits == 0)
        return body_bad(body, "a chunk without a size");
    if (byte == ';')
        return go(body, CHUNK_EXTENSION_NAME_FIRST);
    if (byte == '\r')
        return go(body, CHUNK_SIZE_LF);
    return body_bad(body, "a chunk size that is not hexadecimal");
}

// The LF after a size and its extensions.
static bool end_size(struct body *body)
{
    body->digits = 0;
    body->dropped = 0;
    return go(body, body->left ? CHUNK_DATA : CHUNK_TRAILER);
}

// RFC 9112, 7.1.1: *( ";" token [ "=" ( token / quoted-string ) ] ), without the whitespace that its grammar
// calls bad.
static bool read_extension(struct body *body, char byte)
{
    bool token = field_is_token_byte(byte);
    enum chunk_state state = body->state;

    if (++body->dropped > BODY_EXTENSION_MAX)
        return body_bad(body, "chunk extensions that are too long");
    switch (state) {
    case CHUNK_EXTENSION_NAME_FIRST:
        return token ? go(body, CHUNK_EXTENSION_NAME) : body_bad(body, "a chunk extension without a name");
    case CHUNK_EXTENSION_VALUE_FIRST:
        if (byte == '"')
            return go(body, CHUNK_EXTENSION_QUOTED);
        return token ? go(body, CHUNK_EXTENSION_TOKEN) : body_bad(body, "a chunk extension without a value");
    case CHUNK_EXTENSION_QUOTED:
        if (byte == '"')
            return go(body, CHUNK_EXTENSION_QUOTED_END);
        if (byte == '\\')
            return go(body, CHUNK_EXTENSION_ESCAPED);
        return field_is_value_byte(byte) ? true : body_bad(body, "a control character in a chunk extension");
    case CHUNK_EXTENSION_ESCAPED:
        return field_is_value_byte(byte) ? go(body, CHUNK_EXTENSION_QUOTED)
                                         : body_bad(body, "a control character in a chunk extension");
    default:
        break;
    }
    // Inside a name or a token, or after a quoted string.
    if (token && state != CHUNK_EXTENSION_QUOTED_END)
        return true;
    if (byte == '=' && state == CHUNK_EXTENSION_NAME)
        return go(body, CHUNK_EXTENSION_VALUE_FIRST);
    if (byte == ';')
        return go(body, CHUNK_EXTENSION_NAME_FIRST);
    if (byte == '\r')
        return go(body, CHUNK_SIZE_LF);
    return body_bad(body, "a malformed chunk extension");
}

static bool read_trailer(struct body *body, char byte)
{
    bool token = field_is_token_byte(byte);
    enum chunk_state state = body->state;

    if (state == CHUNK_TRAILER && byte == '\r')
        return go(body, CHUNK_END_LF);
    if (++body->dropped > BODY_TRAILER_MAX)
        return body_bad(body, "a trailer section that is too large");
    if (state == CHUNK_TRAILER)
        return token ? go(body, CHUNK_TRAILER_NAME) : body_bad(body, "a malformed trailer field");
    if (state == CHUNK_TRAILER_NAME) {
        if (byte == ':')
            return go(body, CHUNK_TRAILER_VALUE);
        return token ? true : body_bad(body, "a malformed trailer field");
    }
    if (state == CHUNK_TRAILER_VALUE) {
        if (byte == '\r')
            return go(body, CHUNK_TRAILER_LF);
        return field_is_value_byte(byte) ? true : body_bad(body, "a control character in a trailer field");
    }
    return byte == '\n' ? go(body, CHUNK_TRAILER) : body_bad(body, "a CR without LF");
}

static bool expect(struct body *body, char byte, char expected, enum chunk_state next)
{
    return byte == expected ? go(body, next) : body_bad(body, "a chunk that ends elsewhere than its size says");
}

// One byte of framing; never in CHUNK_DATA or CHUNK_DONE.
static bool read_framing(struct body *body, char byte)
{
    switch ((enum chunk_state)body->state) {
    case CHUNK_SIZE:
        return body_read_size(body, byte);
    case CHUNK_SIZE_LF:
        return expect(body, byte, '\n', CHUNK_DATA) && end_size(body);
    case CHUNK_DATA_CR:
        return expect(body, byte, '\r', CHUNK_DATA_LF);
    case CHUNK_DATA_LF:
        return expect(body, byte, '\n', CHUNK_SIZE);
    case CHUNK_END_LF:
        return expect(body, byte, '\n', CHUNK_DONE);
    case CHUNK_TRAILER:
    case CHUNK_TRAILER_NAME:
    case CHUNK_TRAILER_VALUE:
    case CHUNK_TRAILER_LF:
        return read_trailer(body, byte);
    default:
        return read_extension(body, byte);
    }
}

// Whether the byte that comes next belongs to an extension or a trailer field.
static bool is_dropped(const struct body *body, char byte)
{
    if (body->state >= CHUNK_TRAILER_NAME)
        return true;
    if (body->state >= CHUNK_EXTENSION_NAME_FIRST || body->state == CHUNK_TRAILER)
        return byte != '\r';
    return body->state == CHUNK_SIZE && byte == ';';
}

static bool awaits_framing(const struct body *body)
{
    return body->kind == BODY_CHUNKED && body->state != CHUNK_DATA && body->state != CHUNK_DONE;
}

// Uses data of the current chunk, or of a body with a length.
static size_t body_take_data(struct body *body, size_t available)
{
    size_t size = body->left < available ? (size_t)body->left : available;

    if (body->kind == BODY_UNTIL_CLOSE)
        return available;
    body->left -= size;
    if (body->kind == BODY_CHUNKED && body->left == 0)
        body->state = CHUNK_DATA_CR;
    return size;
}

static enum body_result feed_chunked(struct body *body, struct bytes input, size_t *ret_pass, size_t *ret_drop)
{
    size_t at = 0;
    size_t pass = 0;

    while (at < input.size && body->state != CHUNK_DONE) {
        bool drop = is_dropped(body, input.data[at]);

        if (!drop && at != pass)
            break;
        if (body->state == CHUNK_DATA)
            at += body_take_data(body, input.size - at);
        else if (read_framing(body, input.data[at]))
            at++;
        else
            return BODY_BAD;
        if (!drop)
            pass = at;
    }
    *ret_pass = pass;
    *ret_drop = at - pass;
    return body->state == CHUNK_DONE ? BODY_DONE : BODY_MORE;
}

enum body_result body_feed(struct body *body, struct bytes input, size_t *ret_pass, size_t *ret_drop)
{
    if (body->kind == BODY_CHUNKED)
        return feed_chunked(body, input, ret_pass, ret_drop);
    *ret_pass = body_take_data(body, input.size);
    *ret_drop = 0;
    return body_is_done(body) ? BODY_DONE : BODY_MORE;
}

enum body_result body_next_data(struct body *body, struct bytes input, size_t *ret_used, struct bytes *ret_data)
{
    size_t at = 0;
    size_t size;

    while (at < input.size && awaits_framing(body)) {
        if (!read_framing(body, input.data[at++]))
            return BODY_BAD;
    }
    size = awaits_framing(body) || body_is_done(body) ? 0 : body_take_data(body, input.size - at);
    *ret_used = at + size;
    *ret_data = bytes_of(bytes_skip(input, at).data, size);
    return body_is_done(body) ? BODY_DONE : BODY_MORE;
}

// The framing that was used up already of what comes after the payload: the rest of it follows in the input.
static void frame_after(const struct body *body, struct body_frame *frame)
{
    char *after = frame->after;
    int size = 0;

    switch ((enum chunk_state)body->state) {
    case CHUNK_DATA:
    case CHUNK_DATA_CR:
        break;
    case CHUNK_DATA_LF:
        size = snprintf(after, BODY_FRAME_SIZE, "\r");
        break;
    case CHUNK_SIZE:
        size = body->digits == 0 ? snprintf(after, BODY_FRAME_SIZE, "\r\n")
                                 : snprintf(after, BODY_FRAME_SIZE, "\r\n%" PRIx64, body->left);
        break;
    case CHUNK_SIZE_LF:
        size = snprintf(after, BODY_FRAME_SIZE, "\r\n%" PRIx64 "\r", body->left);
        break;
    case CHUNK_TRAILER:
    case CHUNK_TRAILER_NAME:
    case CHUNK_TRAILER_VALUE:
    case CHUNK_TRAILER_LF:
        size = snprintf(after, BODY_FRAME_SIZE, "\r\n0\r\n");
        break;
    case CHUNK_END_LF:
        size = snprintf(after, BODY_FRAME_SIZE, "\r\n0\r\n\r");
        break;
    case CHUNK_DONE:
        size = snprintf(after, BODY_FRAME_SIZE, "\r\n0\r\n\r\n");
        break;
    default: // inside an extension, the rest of which is dropped
        size = snprintf(after, BODY_FRAME_SIZE, "\r\n%" PRIx64, body->left);
        break;
    }
    frame->after_size = (size_t)size;
}

struct body_frame body_frame(const struct body *body, uint64_t payload)
{
    struct body_frame frame = {.before_size = 0};
    uint64_t chunk = payload + (body->state == CHUNK_DATA ? body->left : 0);

    if (body->kind != BODY_CHUNKED)
        return frame;
    frame_after(body, &frame);
    if (chunk > 0) {
        frame.before_size = (size_t)snprintf(frame.before, BODY_FRAME_SIZE, "%" PRIx64 "\r\n", chunk);
    } else if (frame.after_size > 0) { // no chunk before it whose end it could close
        frame.after_size -= 2;
        for (size_t i = 0; i < frame.after_size; i++) // valgrind takes memmove's checked form for memcpy's
            frame.after[i] = frame.after[i + 2];
    }
    return frame;
}
