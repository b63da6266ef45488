// One request and its answer on a connection.
#ifndef GITLATCH_CALL_H
#define GITLATCH_CALL_H

#include <stdint.h>

#include <jansson.h>

#include "fault.h"
#include "mock_text.h"
#include "mock_wire.h"
#include "record.h"
#include "virtual_host.h"

// github.com takes heads of about 16 KiB; more than that lets gitlatch's own limit of 64 KiB show first.
#define CALL_HEAD_MAX    (60 * KIB)
#define CALL_HEADERS_MAX 128
// No path that GitHub documents has more segments, but for a file's path in a repository.
#define CALL_SEGMENTS_MAX 64
// The API's own limit for a JSON body is not documented; git's largest negotiation and LFS batches stay
// below.
#define CALL_BODY_MAX (32 * MIB)

struct call_header {
    const char *name;
    const char *value;
};

enum call_body { CALL_BODY_NONE, CALL_BODY_LENGTH, CALL_BODY_CHUNKED };

struct call {
    struct mock_wire *wire;
    const struct virtual_host *host; // NULL on the control port
    struct record_entry *record;     // NULL on the control port
    const struct fault *fault;       // NULL: none

    // Request.
    struct mock_text head; // what the names below point into
    const char *method;
    const char *target;
    char *path;                                  // the target without its query, as it was sent
    const char *query;                           // "" without one
    const char *segments[CALL_SEGMENTS_MAX + 1]; // of the path, percent-decoded
    size_t segment_count;
    struct call_header headers[CALL_HEADERS_MAX];
    size_t header_count;
    bool http10;
    bool keep_alive; // whether another request may follow
    enum call_body body;
    uint64_t body_left; // of the length, or of the chunk under way
    bool body_ended;
    bool continue_wanted; // Expect: 100-continue, and not yet answered
    uint64_t body_size;   // bytes read, decoded

    // Answer.
    bool answered; // the head was written
    bool answer_chunked;
    bool answer_bodiless; // HEAD, 204, 304
    int status;
    uint64_t answer_size;
    struct mock_text storage; // what decoded segments point into
};

enum call_result { CALL_READ, CALL_ENDED, CALL_MALFORMED };

// Reads the next request's head. CALL_MALFORMED: *ret_status and *ret_reason say what to answer.
enum call_result call_receive(struct call *call, struct mock_wire *wire, int *ret_status, const char **ret_reason);
void call_free(struct call *call);
// The value of a header field, NULL where there is none; the first where there are more.
const char *call_header(const struct call *call, const char *name);
size_t call_header_count(const struct call *call, const char *name);
// A value of the query, decoded, owned by the caller; NULL where there is none.
char *call_query(const struct call *call, const char *name);
// The path from a segment on, decoded, owned by the caller.
char *call_path_from(const struct call *call, size_t segment);
// Whether the path has just these segments from number `first` on; "*" stands for any one, "**" at the end
// for all that follow. The pattern begins with a slash, and is "" for none.
bool call_path_is(const struct call *call, size_t first, const char *pattern);
// Takes the first `count` segments away, as for a prefix like /api/v3.
void call_skip_segments(struct call *call, size_t count);

// Body bytes: 0 at the end, -1 where it broke or the answer was given meanwhile (a fault).
ssize_t call_read(struct call *call, char *buffer, size_t size);
// The whole body, at most CALL_BODY_MAX. False: broken.
bool call_read_all(struct call *call, struct mock_text *body) GL_MUST_CHECK;
// Throws the rest of the body away.
bool call_drain(struct call *call);

// Begins an answer; `headers` are whole lines with CRLF ("" for none). `length` -1: chunked.
bool call_start(struct call *call, int status, const char *headers, int64_t length);
bool call_write(struct call *call, const void *data, size_t size);
// Ends the answer and sends what was gathered.
bool call_finish(struct call *call);
// A whole answer at once.
bool call_answer(struct call *call, int status, const char *headers, const void *body, size_t size);
bool call_answer_text(struct call *call, int status, const char *text);
// `json` is given away.
bool call_answer_json(struct call *call, int status, json_t *json);

#endif
