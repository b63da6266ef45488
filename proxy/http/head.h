// The head of an HTTP/1.1 message: start line and header fields, parsed once and strictly (RFC 9112, 2 to 5).
// What two programs could read in two ways is refused, never mended: mending is how requests get smuggled.
//
// All views are views of the input, which must stay where it is as long as they are used.
#ifndef GITLATCH_HEAD_H
#define GITLATCH_HEAD_H

#include <stdbool.h>
#include <stdint.h>

#include <gitlatch/attr.h>

#include "bytes.h"
#include "field.h"

// GitHub answers with about 35 fields, gh sends 10, a browser 20.
#define HEAD_FIELDS_MAX 128
// Options of all Connection fields together; each is compared with each field's name.
#define HEAD_CONNECTION_OPTIONS_MAX 16

enum head_result {
    HEAD_MORE, // the end of the head has not arrived
    HEAD_DONE,
    HEAD_BAD,       // malformed, see `bad`: 400 and close; from upstream 502
    HEAD_TOO_LARGE, // larger than the limit, or more than HEAD_FIELDS_MAX fields: 431 and close
};

// Methods are case-sensitive: "get" is METHOD_OTHER.
enum head_method {
    METHOD_OTHER,
    METHOD_GET,
    METHOD_HEAD,
    METHOD_POST,
    METHOD_PUT,
    METHOD_PATCH,
    METHOD_DELETE,
    METHOD_OPTIONS,
    METHOD_CONNECT,
};

struct head_field {
    struct bytes name;  // as it was written
    struct bytes value; // without the whitespace around it; may be empty
    enum field_id id;
    bool hop_by_hop; // named by a Connection field: for this connection alone
};

// About 5 KiB: it belongs to an exchange, not to an idle connection.
struct head {
    // All that a call knows of the one before. Who keeps no head while waiting takes this out after HEAD_MORE
    // and puts it back after head_init.
    size_t searched; // bytes in which the end of the head is not

    const char *bad; // HEAD_BAD, HEAD_TOO_LARGE: a clause that says what is wrong, static

    // The rest is there after HEAD_DONE.
    const char *data;         // the input's first byte
    size_t size;              // bytes of the input that the head takes
    int minor;                // 0 or 1: HTTP/1.0 or HTTP/1.1
    enum head_method method;  // request
    struct bytes method_name; // request
    struct bytes target;      // request: see target.h
    int status;               // response: 100 to 599
    struct bytes reason;      // response: reason phrase; may be empty

    int64_t content_length; // -1: none
    bool chunked;           // Transfer-Encoding: chunked; never together with a content length
    bool keep_alive;        // the sender wishes the connection to persist, and may (RFC 9112, 9.3)
    bool expect_continue;   // Expect: 100-continue in an HTTP/1.1 request
    struct bytes host;      // value of Host, not looked into (host_name_parse_authority); empty: none

    size_t field_count;
    uint8_t first[FIELD_ID_COUNT]; // index of the first field with this id, where `count` is not 0
    uint8_t count[FIELD_ID_COUNT]; // fields with this id
    struct head_field fields[HEAD_FIELDS_MAX];
};

// Makes ready for a new message.
void head_init(struct head *head);

// Parses what has arrived. `input` begins at the message's first byte and only grows from call to call (it
// may move); `limit` is `limits.header`, the same at each call. Where the input is cut makes no difference to
// the outcome, and n bytes cost O(n) however they arrive. After anything but HEAD_MORE: head_init.
//
// One empty line before a request line is passed over (RFC 9112, 2.2) and counts into `size`.
enum head_result head_parse_request(struct head *head, struct bytes input, size_t limit) GL_MUST_CHECK;
enum head_result head_parse_response(struct head *head, struct bytes input, size_t limit) GL_MUST_CHECK;

// Copies a parsed head, so that it outlives its input: the copy's views are of `room`, which takes `head->size` bytes from
// `data`. There the head's bytes are now; they may have been moved since they were parsed.
void head_copy(struct head *copy, char *room, const struct head *head, const char *data);

// The value of the first field with this id; the empty view where there is none. Host, Content-Length,
// Content-Type, Location, Origin and Transfer-Encoding are never there twice.
struct bytes head_value(const struct head *head, enum field_id id);

#endif
