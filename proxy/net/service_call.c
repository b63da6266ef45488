#include "service_call.h"

#include "mem.h"
#include "stream.h"

struct service_call *service_call_new(struct connection *connection, const struct address *client)
{
    struct service_call *call = mem_alloc_zero(1, sizeof(*call));

    call->connection = connection;
    call->client = client;
    return call;
}

void service_call_free(struct service_call *call)
{
    if (!call)
        return;
    mem_wiping_free(call->head_bytes); // a bearer is in it
    text_free(&call->body);
    mem_free(call);
}

// Copies it, so that its views stay where they are.
bool service_call_take_head(struct service_call *call, struct stream *stream, size_t size)
{
    call->head_bytes = mem_alloc(size);
    memcpy(call->head_bytes, stream_input(stream).data, size);
    stream_mark_input_secret(stream); // a bearer, as in the copy
    stream_consume(stream, size);
    head_init(&call->head);
    if (head_parse_request(&call->head, bytes_of(call->head_bytes, size), size) != HEAD_DONE)
        return false;
    body_from_request(&call->framing, &call->head);
    return target_parse(call->head.method, call->head.target, &call->target, NULL) &&
           call->target.form == TARGET_ORIGIN;
}

enum service_body service_call_read_body(struct service_call *call, struct stream *stream, size_t most)
{
    while (!body_is_done(&call->framing)) {
        struct bytes input = stream_input(stream), data;
        enum body_result result;
        size_t used;

        if (input.size == 0)
            return SERVICE_BODY_MORE;
        result = body_next_data(&call->framing, input, &used, &data);
        if (result == BODY_BAD)
            return SERVICE_BODY_BAD;
        if (data.size > most - call->body.size)
            return SERVICE_BODY_TOO_LARGE;
        text_append_bytes(&call->body, data);
        stream_consume(stream, used);
        if (result == BODY_DONE)
            break;
    }
    return SERVICE_BODY_WHOLE;
}

// What handlers ask.

enum head_method service_call_method(const struct service_call *call)
{
    return call->head.method;
}

const struct target *service_call_target(const struct service_call *call)
{
    return &call->target;
}

struct bytes service_call_field(const struct service_call *call, enum field_id id)
{
    return head_value(&call->head, id);
}

size_t service_call_field_count(const struct service_call *call, enum field_id id)
{
    return call->head.count[id];
}

struct bytes service_call_body(const struct service_call *call)
{
    return text_bytes(&call->body);
}

const struct address *service_call_client(const struct service_call *call)
{
    return call->client;
}

void service_call_watch(struct service_call *call, service_gone_fn *fn, void *arg)
{
    call->on_gone = fn;
    call->on_gone_arg = arg;
}
