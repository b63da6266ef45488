// Moves a message's body from one stream to another: the framing is metered (body.h), the bytes are passed on as they
// are, no faster than the sink takes them.
#ifndef GITLATCH_PUMP_H
#define GITLATCH_PUMP_H

#include <stdbool.h>
#include <stdint.h>

#include <gitlatch/attr.h>

#include "body.h"
#include "bytes.h"

struct stream;

enum pump_result {
    PUMP_SOURCE,    // waits for the source
    PUMP_SINK,      // waits for the sink
    PUMP_DONE,      // the body has ended and all of it was given to the sink
    PUMP_BAD,       // the framing is malformed, see `body.bad`
    PUMP_TRUNCATED, // the source ended inside the body
    PUMP_STOPPED,   // `check` said so
};

// Sees each metered stretch of raw bytes once, before any of it is passed on. False: none of it is.
typedef bool pump_check_fn(void *arg, struct bytes stretch);

struct pump {
    struct body body;
    bool dechunk;         // take the chunk framing off (rewrite_must_dechunk)
    bool body_done;       // the framing has ended; what is metered may wait
    pump_check_fn *check; // of pump_run, with its `arg`; NULL: none
    size_t before;        // bytes at the front of the input to be dropped,
    size_t pass;          // then to be passed on,
    size_t after;         // then to be dropped
};

// Meters the next stretch of `input` where none is left over from before. Afterwards `before`, `pass` and `after` say
// what it is; all zero where there was nothing. BODY_BAD where it is malformed.
enum body_result pump_meter(struct pump *pump, struct bytes input) GL_MUST_CHECK;
// Sees the raw bytes in their order before they are gone; `passed`: they were given to the sink, else dropped.
typedef void pump_tap_fn(void *arg, struct bytes bytes, bool passed);
// Passes on what there is.
enum pump_result pump_run(struct pump *pump, struct stream *source, struct stream *sink, pump_tap_fn *tap, void *arg)
    GL_MUST_CHECK;
// The same with no sink: reads and forgets what there is.
enum pump_result pump_drain(struct pump *pump, struct stream *source, pump_tap_fn *tap, void *arg) GL_MUST_CHECK;

#endif
