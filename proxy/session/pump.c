#include "pump.h"

#include "stream.h"

// Where the framing stands still between two calls, everything metered is used up.
static bool is_metered(const struct pump *pump)
{
    return pump->before + pump->pass + pump->after > 0;
}

enum body_result pump_meter(struct pump *pump, struct bytes input)
{
    enum body_result result;

    if (is_metered(pump))
        return pump->body_done ? BODY_DONE : BODY_MORE;
    if (pump->body_done || body_is_done(&pump->body)) {
        pump->body_done = true;
        return BODY_DONE;
    }
    if (pump->dechunk) {
        size_t used;
        struct bytes data;

        result = body_next_data(&pump->body, input, &used, &data);
        pump->before = data.size > 0 ? (size_t)(data.data - input.data) : used;
        pump->pass = data.size;
        pump->after = used - pump->before - data.size;
    } else {
        result = body_feed(&pump->body, input, &pump->pass, &pump->after);
    }
    pump->body_done = result == BODY_DONE;
    return result;
}

static void drop(struct stream *source, size_t *count)
{
    stream_consume(source, *count);
    *count = 0;
}

// What ends or stops a run when nothing is metered any more.
static enum pump_result at_rest(const struct pump *pump, const struct stream *source)
{
    if (pump->body_done)
        return PUMP_DONE;
    switch (stream_end(source)) {
    case STREAM_OPEN:
        return PUMP_SOURCE;
    case STREAM_CLOSED:
        return body_end_of_input(&pump->body) ? PUMP_DONE : PUMP_TRUNCATED;
    case STREAM_TRUNCATED:
    case STREAM_FAILED:
        return PUMP_TRUNCATED;
    }
    return PUMP_TRUNCATED;
}

enum pump_result pump_run(struct pump *pump, struct stream *source, struct stream *sink, uint64_t *ret_passed)
{
    *ret_passed = 0;
    for (;;) {
        if (pump_meter(pump, stream_input(source)) == BODY_BAD)
            return PUMP_BAD;
        if (!is_metered(pump))
            return at_rest(pump, source);
        drop(source, &pump->before);
        if (pump->pass > 0) {
            size_t sent = stream_send(sink, bytes_of(stream_input(source).data, pump->pass));

            stream_consume(source, sent);
            pump->pass -= sent;
            *ret_passed += sent;
            if (pump->pass > 0)
                return PUMP_SINK;
        }
        drop(source, &pump->after);
    }
}

enum pump_result pump_drain(struct pump *pump, struct stream *source)
{
    for (;;) {
        if (pump_meter(pump, stream_input(source)) == BODY_BAD)
            return PUMP_BAD;
        if (!is_metered(pump))
            return at_rest(pump, source);
        drop(source, &pump->before);
        drop(source, &pump->pass);
        drop(source, &pump->after);
    }
}
