#include "exchange_state.h"

#include "answer.h"
#include "mem.h"
#include "pool.h"
#include "stream.h"

// What a gate reads of a push is at most 4 MiB (push_commands.h), and in chunks of a byte five more for each.
#define HELD_MAX ((size_t)24 * MIB)

static void hold(struct exchange *exchange, struct bytes bytes)
{
    struct held_body *held = &exchange->held;

    if (bytes.size == 0)
        return; // adding nothing to NULL is undefined in C17
    held->data = mem_grow(held->data, &held->capacity, held->size + bytes.size, 1);
    memcpy(held->data + held->size, bytes.data, bytes.size);
    held->size += bytes.size;
}

static void let_go_of_held(struct exchange *exchange)
{
    mem_free(exchange->held.data);
    exchange->held = (struct held_body){0};
}

// The client's framing cannot be followed: where the next request begins is not known.
static void refuse_malformed(struct exchange *exchange)
{
    exchange->client_closes = true;
    exchange->up.body_done = true;
    exchange_refuse_with(exchange, REASON_MALFORMED, "the request's body: %s",
                         exchange->up.body.bad ? exchange->up.body.bad : "its framing is malformed");
}

// Gives the gate one metered stretch after another, until it has decided.
static void inspect(struct exchange *exchange)
{
    struct stream *client = exchange->session->client;
    struct pump *up = &exchange->up;

    while (exchange->request_state == REQUEST_INSPECT) {
        enum body_gate_result result;
        struct verdict verdict;
        struct bytes input;
        bool end;

        if (pump_meter(up, stream_input(client)) == BODY_BAD) {
            refuse_malformed(exchange);
            return;
        }
        input = bytes_of(stream_input(client).data, up->before + up->pass + up->after);
        end = up->body_done;
        if (input.size == 0 && !end)
            break;
        result = body_gate_feed(exchange->gate, input, end, &verdict);
        hold(exchange, bytes_of(bytes_skip(input, up->before).data, up->pass));
        exchange->bytes_up += input.size;
        stream_consume(client, input.size);
        up->before = up->pass = up->after = 0;
        if (exchange->held.size > HELD_MAX)
            exchange_refuse_with(exchange, REASON_PUSH_TOO_LARGE, NULL);
        else if (result == BODY_GATE_REFUSED)
            exchange_refuse(exchange, &verdict);
        else if (result == BODY_GATE_DECIDED)
            exchange_gate_decided(exchange);
    }
}

void exchange_tell_continue(struct exchange *exchange)
{
    struct stream *client = exchange->session->client;

    if (!exchange->awaits_continue)
        return;
    exchange->awaits_continue = false;
    // A client that does not read what was said before will not miss it: it sends its body unasked (RFC 9110, 10.1.1).
    if (stream_write(client, ANSWER_CONTINUE))
        stream_flush(client);
}

void exchange_begin_request(struct exchange *exchange)
{
    exchange->held.complete = true;
    if (exchange_answer_kept(exchange))
        return;
    exchange->gate = body_gate_new(&exchange->operation, &exchange->request);
    exchange->request_state = exchange->gate ? REQUEST_INSPECT : REQUEST_WAIT;
    exchange_tell_continue(exchange);
    if (!exchange->gate || exchange->operation.kind == OPERATION_PUSH || exchange->operation.kind == OPERATION_FETCH)
        exchange_ask_token(exchange);
    if (!exchange->gate)
        exchange_ask_upstream(exchange);
    if (exchange->gate)
        inspect(exchange);
    else
        exchange_proceed(exchange);
}

static void tell_pack_too_large(const struct exchange *exchange, struct verdict *ret_verdict)
{
    verdict_set(ret_verdict, REASON_PACK_TOO_LARGE, "the pack is larger than the %llu bytes of `max_pack`",
                (unsigned long long)exchange->decision.rule->max_pack);
}

// The pack is counted before it is passed on: once GitHub has the end of it, it is too late.
static bool pack_may_pass(void *arg, struct bytes stretch)
{
    struct exchange *exchange = arg;
    struct verdict verdict;

    if (body_gate_count(exchange->gate, stretch, exchange->decision.rule->max_pack))
        return true;
    if (exchange->runtime->config->enforce)
        return false;
    tell_pack_too_large(exchange, &verdict);
    return !exchange_enforce(exchange, &verdict);
}

bool exchange_limit_pack(struct exchange *exchange)
{
    const struct rule *rule = exchange->decision.rule;
    struct verdict verdict;

    if (!rule || rule->max_pack == 0)
        return true;
    exchange->up.check = pack_may_pass;
    if (pack_may_pass(exchange, BYTES("")))
        return true;
    tell_pack_too_large(exchange, &verdict);
    exchange_refuse(exchange, &verdict);
    return false;
}

// The body's bytes on their way up: kept as long as they may be sent again.
static void on_sent(void *arg, struct bytes bytes, bool passed)
{
    struct exchange *exchange = arg;

    exchange->bytes_up += bytes.size;
    exchange_moved(exchange);
    if (exchange->held.complete && passed) {
        if (exchange->held.size + bytes.size <= EXCHANGE_REPLAY_MAX) {
            hold(exchange, bytes);
            exchange->held.sent += bytes.size;
        } else {
            let_go_of_held(exchange);
        }
    }
}

// What the gate held back, or what is sent again. True: all of it is given to the connection.
static bool send_held(struct exchange *exchange)
{
    struct held_body *held = &exchange->held;
    struct stream *upstream = exchange->upstream->stream;

    if (held->sent == held->size)
        return true;
    held->sent += stream_send(upstream, bytes_of(held->data + held->sent, held->size - held->sent));
    exchange_moved(exchange);
    if (held->sent < held->size)
        return false;
    if (held->size > EXCHANGE_REPLAY_MAX)
        let_go_of_held(exchange);
    return true;
}

void exchange_send(struct exchange *exchange)
{
    struct stream *client = exchange->session->client;
    struct stream *upstream = exchange->upstream->stream;
    struct verdict verdict;

    if (!send_held(exchange))
        return;
    switch (pump_run(&exchange->up, client, upstream, on_sent, exchange)) {
    case PUMP_SINK:
        break;
    case PUMP_SOURCE:
        stream_flush(upstream);
        break;
    case PUMP_DONE:
        stream_flush(upstream);
        exchange->request_state = REQUEST_SENT;
        break;
    case PUMP_BAD:
        refuse_malformed(exchange);
        break;
    case PUMP_TRUNCATED:
        session_close(exchange->session, REASON_CLIENT_GONE);
        break;
    case PUMP_STOPPED:
        tell_pack_too_large(exchange, &verdict);
        exchange_refuse(exchange, &verdict);
        break;
    }
}

// A refused push is still read for its commands: the answer names each ref.
static void on_drained(void *arg, struct bytes bytes, bool passed)
{
    struct exchange *exchange = arg;
    struct verdict verdict;

    exchange->bytes_up += bytes.size;
    exchange_moved(exchange);
    if (exchange->gate && !exchange->gate_done &&
        body_gate_feed(exchange->gate, bytes, false, &verdict) != BODY_GATE_MORE)
        exchange->gate_done = true;
}

static void end_drain(struct exchange *exchange)
{
    exchange->request_state = REQUEST_DROPPED;
    if (exchange->response_state == RESPONSE_DONE)
        exchange_finish(exchange);
    else
        exchange_answer(exchange);
}

void exchange_drain(struct exchange *exchange)
{
    switch (pump_drain(&exchange->up, exchange->session->client, on_drained, exchange)) {
    case PUMP_SOURCE:
    case PUMP_SINK:
        break;
    case PUMP_DONE:
        end_drain(exchange);
        break;
    case PUMP_BAD:
        exchange->client_closes = true;
        end_drain(exchange);
        break;
    case PUMP_TRUNCATED:
    case PUMP_STOPPED: // nothing checks a body that goes nowhere
        session_close(exchange->session, REASON_CLIENT_GONE);
        break;
    }
}

void exchange_client_input(struct exchange *exchange)
{
    struct session *session = exchange->session;
    struct stream *client = session->client;

    exchange_moved(exchange);
    switch (exchange->request_state) {
    case REQUEST_INSPECT:
        inspect(exchange);
        break;
    case REQUEST_SEND:
        exchange_send(exchange);
        return; // it has seen the end of the input
    case REQUEST_DRAIN:
        exchange_drain(exchange);
        return;
    case REQUEST_WAIT:
    case REQUEST_SENT:
    case REQUEST_DROPPED:
        break;
    }
    // Nobody is there any more to whom an answer could go. An orderly end alone may be half a close.
    if (session->exchange == exchange && stream_end(client) == STREAM_FAILED)
        session_close(session, REASON_CLIENT_GONE);
    else if (session->exchange == exchange && exchange->request_state == REQUEST_INSPECT &&
             stream_end(client) != STREAM_OPEN)
        session_close(session, REASON_CLIENT_GONE);
}
