#include "upload.h"

#include <stddef.h>
#include <string.h>

#include "answer.h"
#include "mem.h"
#include "stream.h"

// What a gate reads is at most 4 MiB (push_commands.h, lfs_body.h); what came with the last of it is held, too. A gzip body
// can be longer than what comes out of it.
#define UPLOAD_HELD_MAX ((size_t)5 * MIB)
// A refused request that is not git's: to drain a longer body costs more than a new connection.
#define UPLOAD_DRAIN_MAX ((int64_t)MIB)

void upload_init(struct upload *upload, const struct request *request, struct stream *client,
                 struct budget_share *budget, upload_over_fn *over, void *arg)
{
    memset(upload, 0, offsetof(struct upload, verdict));
    upload->request = request;
    upload->client = client;
    upload->budget = budget;
    upload->over = over;
    upload->arg = arg;
    upload->held.complete = true;
    upload->pump.body_done = true;
}

static void let_go_of_held(struct upload *upload)
{
    budget_keep(upload->budget, upload->budget->size - upload->held.size);
    mem_free(upload->held.data);
    upload->held = (struct held_body){0};
}

void upload_clear(struct upload *upload)
{
    body_gate_free(upload->gate);
    upload->gate = NULL;
    budget_keep(upload->budget, upload->budget->size - upload->gate_size);
    upload->gate_size = 0;
    let_go_of_held(upload);
}

void upload_begin(struct upload *upload)
{
    const struct head *head = &upload->request->head;

    body_from_request(&upload->pump.body, head);
    upload->held.reader = upload->pump.body;
    upload->pump.body_done = false;
    upload->awaits_continue = head->expect_continue && upload->request->has_body;
}

static bool hold(struct upload *upload, struct bytes payload)
{
    struct held_body *held = &upload->held;

    if (payload.size == 0)
        return true; // adding nothing to NULL is undefined in C17
    if (!budget_hold(upload->budget, payload.size))
        return false;
    held->data = mem_grow(held->data, &held->capacity, held->size + payload.size, 1);
    memcpy(held->data + held->size, payload.data, payload.size);
    held->size += payload.size;
    return true;
}

// Holds the payload of raw bytes that were metered already. False: there is no memory for it.
static bool hold_payload(struct upload *upload, struct bytes raw)
{
    while (raw.size > 0) {
        struct bytes payload;
        size_t used;

        if (body_next_data(&upload->held.reader, raw, &used, &payload) == BODY_BAD || used == 0)
            return true; // the meter reports it
        if (!hold(upload, payload))
            return false;
        raw = bytes_skip(raw, used);
    }
    return true;
}

// Counts what the gate keeps. False: there is no memory for it.
static bool count_gate(struct upload *upload)
{
    size_t size = body_gate_size(upload->gate), before = upload->gate_size;

    if (size > before && !budget_hold(upload->budget, size - before))
        return false;
    if (size < before)
        budget_keep(upload->budget, upload->budget->size - (before - size));
    upload->gate_size = size;
    return true;
}

static size_t metered(const struct pump *pump)
{
    return pump->before + pump->pass + pump->after;
}

static enum upload_result refuse_framing(struct upload *upload)
{
    const char *bad = upload->pump.body.bad;

    upload->unframed = true;
    upload->pump.body_done = true;
    verdict_set(&upload->verdict, REASON_MALFORMED, "the request's body: %s", bad ? bad : "its framing is malformed");
    return UPLOAD_REFUSED;
}

static void ask_for_body(struct upload *upload)
{
    if (!upload->awaits_continue)
        return;
    upload->awaits_continue = false;
    // A client that has not read the answer before will not miss it: it sends its body unasked (RFC 9110, 10.1.1).
    if (stream_write(upload->client, ANSWER_CONTINUE))
        stream_flush(upload->client);
}

bool upload_open_gate(struct upload *upload)
{
    upload->gate = body_gate_new(&upload->request->operation, &upload->request->head);
    upload->state = upload->gate ? UPLOAD_INSPECTS : UPLOAD_WAITS;
    ask_for_body(upload);
    return upload->gate != NULL;
}

// Gives the gate one metered stretch.
static enum upload_result inspect_stretch(struct upload *upload, struct bytes stretch)
{
    struct pump *pump = &upload->pump;
    enum body_gate_result result = body_gate_feed(upload->gate, stretch, pump->body_done, &upload->verdict);
    bool fits = hold_payload(upload, stretch) && count_gate(upload);

    upload->bytes += stretch.size;
    stream_consume(upload->client, stretch.size);
    pump->before = pump->pass = pump->after = 0;
    if (!fits) {
        verdict_set(&upload->verdict, REASON_MEMORY, NULL);
        upload->verdict.retry_after_s = 1;
        return UPLOAD_REFUSED;
    }
    if (upload->held.size > UPLOAD_HELD_MAX) {
        verdict_set(&upload->verdict, REASON_PUSH_TOO_LARGE, NULL);
        return UPLOAD_REFUSED;
    }
    switch (result) {
    case BODY_GATE_REFUSED:
        return UPLOAD_REFUSED;
    case BODY_GATE_DECIDED:
        upload->gate_done = true;
        upload->state = UPLOAD_WAITS;
        return UPLOAD_GATED;
    case BODY_GATE_MORE:
        break;
    }
    return UPLOAD_MORE;
}

enum upload_result upload_inspect(struct upload *upload)
{
    enum upload_result result = UPLOAD_MORE;

    while (result == UPLOAD_MORE) {
        struct bytes input = stream_input(upload->client);

        if (pump_meter(&upload->pump, input) == BODY_BAD)
            return refuse_framing(upload);
        input.size = metered(&upload->pump);
        if (input.size == 0 && !upload->pump.body_done)
            return stream_end(upload->client) == STREAM_OPEN ? UPLOAD_MORE : UPLOAD_GONE;
        result = inspect_stretch(upload, input);
    }
    return result;
}

// The pack is counted before it is passed on: once GitHub has the end of it, it is too late.
static bool pack_may_pass(void *arg, struct bytes stretch)
{
    struct upload *upload = arg;

    if (upload->max_pack == UINT64_MAX || body_gate_count(upload->gate, stretch, upload->max_pack))
        return true;
    verdict_set(&upload->verdict, REASON_PACK_TOO_LARGE, "the pack is larger than the %llu bytes of `max_pack`",
                (unsigned long long)upload->max_pack);
    if (!upload->over(upload->arg, &upload->verdict))
        return false;
    upload->max_pack = UINT64_MAX; // it was recorded once
    return true;
}

bool upload_limit_pack(struct upload *upload, uint64_t max_pack)
{
    if (max_pack == 0)
        return true;
    upload->max_pack = max_pack;
    upload->pump.check = pack_may_pass;
    return pack_may_pass(upload, BYTES(""));
}

void upload_start_sending(struct upload *upload)
{
    struct held_body *held = &upload->held;

    upload->state = UPLOAD_SENDS;
    held->sending = upload->request->has_body && held->complete;
    held->sent = 0;
    held->frame = body_frame(&held->reader, held->size);
}

void upload_wait(struct upload *upload)
{
    upload->state = UPLOAD_WAITS;
    upload->held.sending = false;
}

// The body's bytes on their way up: held as long as they may be sent again.
static void on_upload_sent(void *arg, struct bytes bytes, bool passed)
{
    struct upload *upload = arg;
    struct held_body *held = &upload->held;

    upload->bytes += bytes.size;
    if (held->complete && (held->size + bytes.size > UPLOAD_REPLAY_MAX || !hold_payload(upload, bytes)))
        let_go_of_held(upload);
}

// Sends a part of what is held and its frame, of which `*passed` bytes were sent in parts before it. True: all of it is sent.
static bool send_part(struct held_body *held, struct stream *upstream, struct bytes part, size_t *passed)
{
    size_t end = *passed + part.size;

    if (held->sent < end)
        held->sent += stream_send(upstream, bytes_skip(part, held->sent - *passed));
    *passed = end;
    return held->sent >= end;
}

// Sends what the gate held back, or what is sent again. True: all of it is given to the connection.
static bool send_held(struct upload *upload, struct stream *upstream)
{
    struct held_body *held = &upload->held;
    const struct body_frame *frame = &held->frame;
    size_t passed = 0;

    if (!held->sending)
        return true;
    if (!send_part(held, upstream, bytes_of(frame->before, frame->before_size), &passed) ||
        !send_part(held, upstream, bytes_of(held->data, held->size), &passed) ||
        !send_part(held, upstream, bytes_of(frame->after, frame->after_size), &passed))
        return false;
    held->sending = false;
    if (held->size > UPLOAD_REPLAY_MAX)
        let_go_of_held(upload);
    return true;
}

enum upload_result upload_send(struct upload *upload, struct stream *upstream)
{
    if (!send_held(upload, upstream))
        return UPLOAD_MORE;
    switch (pump_run(&upload->pump, upload->client, upstream, on_upload_sent, upload)) {
    case PUMP_SINK:
        break;
    case PUMP_SOURCE:
        stream_flush(upstream);
        break;
    case PUMP_DONE:
        stream_flush(upstream);
        upload->state = UPLOAD_SENT;
        return UPLOAD_DONE;
    case PUMP_BAD:
        return refuse_framing(upload);
    case PUMP_TRUNCATED:
        return UPLOAD_GONE;
    case PUMP_STOPPED:
        return UPLOAD_REFUSED;
    }
    return UPLOAD_MORE;
}

bool upload_is_whole(const struct upload *upload)
{
    return upload->held.complete && (upload->state == UPLOAD_SENDS || upload->state == UPLOAD_SENT);
}

bool upload_is_stuck(const struct upload *upload)
{
    return upload->state == UPLOAD_SENDS && (upload->held.sending || metered(&upload->pump) > 0);
}

bool upload_is_at_end(const struct upload *upload)
{
    const struct pump *pump = &upload->pump;

    return !upload->unframed && (pump->body_done || body_is_done(&pump->body)) && metered(pump) == 0;
}

// The body is drained where git would not show the answer otherwise, and where it is short, so that the connection lives
// on. A client that waits for 100 (Continue) sends none.
static bool is_to_be_drained(const struct upload *upload)
{
    const struct head *head = &upload->request->head;

    if (!upload->request->is_http || upload->unframed || upload_is_at_end(upload) || upload->awaits_continue)
        return false;
    return operation_traits(upload->request->operation.kind)->drained ||
           (head->content_length >= 0 && head->content_length <= UPLOAD_DRAIN_MAX);
}

bool upload_stop(struct upload *upload)
{
    bool push = operation_traits(upload->request->operation.kind)->gate == GATE_PUSH;

    let_go_of_held(upload);
    if (push)
        ask_for_body(upload); // the answer names each ref, so the commands are needed
    upload->state = is_to_be_drained(upload) ? UPLOAD_DRAINS : UPLOAD_ENDED;
    if (push && upload->state == UPLOAD_DRAINS && !upload->gate)
        upload->gate = body_gate_new(&upload->request->operation, &upload->request->head);
    return upload->state == UPLOAD_DRAINS;
}

// A refused push is still read for its commands: the answer names each ref.
static void on_upload_drained(void *arg, struct bytes bytes, bool passed)
{
    struct upload *upload = arg;

    upload->bytes += bytes.size;
    if (upload->gate && !upload->gate_done &&
        (body_gate_feed(upload->gate, bytes, false, &upload->verdict) != BODY_GATE_MORE || !count_gate(upload)))
        upload->gate_done = true; // without memory for more, those that are known are named
}

enum upload_result upload_drain(struct upload *upload)
{
    switch (pump_drain(&upload->pump, upload->client, on_upload_drained, upload)) {
    case PUMP_SOURCE:
    case PUMP_SINK:
        return UPLOAD_MORE;
    case PUMP_BAD:
        upload->unframed = true;
        break;
    case PUMP_DONE:
        break;
    case PUMP_TRUNCATED:
    case PUMP_STOPPED: // nothing checks a body that goes nowhere
        return UPLOAD_GONE;
    }
    upload->state = UPLOAD_ENDED;
    return UPLOAD_DRAINED;
}
