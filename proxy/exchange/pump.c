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

// Uses up `*count` bytes of the input, after the tap has seen them.
static void use(struct stream *source, size_t *count, size_t used, bool passed, pump_tap_fn *tap, void *arg)
{
    if (used == 0)
        return;
    tap(arg, bytes_of(stream_input(source).data, used), passed);
    stream_consume(source, used);
    *count -= used;
}

// What ends or stops a run when nothing is metered any more.
static enum pump_result at_rest(const struct pump *pump, const struct stream *source)
{
    if (pump->body_done)
        return PUMP_DONE;
    if (stream_end(source) == STREAM_OPEN)
        return PUMP_SOURCE;
    if (stream_end(source) == STREAM_CLOSED && body_end_of_input(&pump->body))
        return PUMP_DONE;
    return PUMP_TRUNCATED;
}

// Whether what was just metered may be passed on.
static bool may_pass(const struct pump *pump, const struct stream *source, void *arg)
{
    struct bytes stretch = bytes_of(stream_input(source).data, pump->before + pump->pass + pump->after);

    return !pump->check || pump->check(arg, stretch);
}

enum pump_result pump_run(struct pump *pump, struct stream *source, struct stream *sink, pump_tap_fn *tap, void *arg)
{
    for (;;) {
        bool metered_before = is_metered(pump);

        if (pump_meter(pump, stream_input(source)) == BODY_BAD)
            return PUMP_BAD;
        if (!is_metered(pump))
            return at_rest(pump, source);
        if (!metered_before && !may_pass(pump, source, arg))
            return PUMP_STOPPED;
        use(source, &pump->before, pump->before, false, tap, arg);
        if (pump->pass > 0) {
            size_t sent = stream_send(sink, bytes_of(stream_input(source).data, pump->pass));

            use(source, &pump->pass, sent, true, tap, arg);
            if (pump->pass > 0)
                return PUMP_SINK;
        }
        use(source, &pump->after, pump->after, false, tap, arg);
    }
}

enum pump_result pump_drain(struct pump *pump, struct stream *source, pump_tap_fn *tap, void *arg)
{
    for (;;) {
        if (pump_meter(pump, stream_input(source)) == BODY_BAD)
            return PUMP_BAD;
        if (!is_metered(pump))
            return at_rest(pump, source);
        use(source, &pump->before, pump->before, false, tap, arg);
        use(source, &pump->pass, pump->pass, true, tap, arg);
        use(source, &pump->after, pump->after, false, tap, arg);
    }
}
