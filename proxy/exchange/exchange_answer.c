#include "exchange_state.h"

#include <stdarg.h>

#include "answer.h"
#include "capabilities.h"
#include "mem.h"
#include "refusal.h"
#include "reply.h"
#include "stream.h"

// Of a request that is not git's: a longer body costs more than a new connection.
#define DRAIN_MAX ((int64_t)MIB)

void exchange_refuse_with(struct exchange *exchange, enum reason reason, const char *format, ...)
{
    struct verdict verdict;
    char text[VERDICT_SENTENCE_SIZE];
    va_list list;

    if (!format) {
        verdict_set(&verdict, reason, NULL);
    } else {
        va_start(list, format);
        vsnprintf(text, sizeof(text), format, list);
        va_end(list);
        verdict_set(&verdict, reason, "%s", text);
    }
    exchange_refuse(exchange, &verdict);
}

// Whether the body is read to its end before the answer: where git would not show the answer otherwise, and where it
// is short, so that the connection lives on. A client that waits for 100 (Continue) sends none.
bool exchange_must_drain(const struct exchange *exchange)
{
    if (!exchange->has_request || exchange->up.body_done || exchange->up.body.bad || exchange->awaits_continue)
        return false;
    switch (exchange->operation.kind) {
    case OPERATION_PUSH:
    case OPERATION_FETCH:
        return true;
    default:
        return exchange->request.content_length >= 0 && exchange->request.content_length <= DRAIN_MAX;
    }
}

void exchange_refuse(struct exchange *exchange, const struct verdict *verdict)
{
    exchange->verdict = *verdict;
    if (exchange->answered) {
        session_close(exchange->session, verdict->reason);
        return;
    }
    if (exchange->operation.kind == OPERATION_FETCH)
        exchange_forget_kept(exchange);
    exchange_release(exchange, false);
    exchange->response_state = RESPONSE_OWN;
    text_clear(&exchange->own);
    exchange->own_sent = 0;
    if (body_is_done(&exchange->up.body) && exchange->up.pass + exchange->up.after == 0)
        exchange->up.body_done = true;
    if (exchange->operation.kind == OPERATION_PUSH)
        exchange_tell_continue(exchange); // the answer names each ref, so the body is needed
    if (exchange_must_drain(exchange)) {
        exchange->request_state = REQUEST_DRAIN;
        if (!exchange->gate && exchange->operation.kind == OPERATION_PUSH)
            exchange->gate = body_gate_new(&exchange->operation, &exchange->request);
        exchange_drain(exchange);
        return;
    }
    if (!exchange->up.body_done)
        exchange->client_closes = true;
    exchange->request_state = REQUEST_DROPPED;
    exchange_answer(exchange);
}

// Where a redirect to the new name leads: only a request without a body can follow it.
static void write_location(const struct exchange *exchange, struct text *out)
{
    const struct verdict *verdict = &exchange->verdict;
    const struct session *session = exchange->session;

    if (verdict->reason != REASON_RENAMED || !exchange->operation.reads || !verdict->location[0])
        return;
    if (session->mode == AUDIT_GATEWAY)
        text_format(out, "http://%.*s/%s", (int)exchange->request.host.size, exchange->request.host.data,
                    exchange->operation.host->web);
    else
        text_format(out, "https://%s", session->host.text);
    switch (exchange->operation.kind) {
    case OPERATION_FETCH_REFS:
    case OPERATION_PUSH_REFS:
        text_format(out, "/%s%s.git/info/refs?%.*s", verdict->location, exchange->operation.wiki ? ".wiki" : "",
                    (int)exchange->target.query.size, exchange->target.query.data);
        break;
    case OPERATION_API_REPOSITORY:
        text_format(out, "%s/repos/%s%s%.*s", exchange->operation.endpoint == GITHUB_ENDPOINT_WEB ? "/api/v3" : "",
                    verdict->location, exchange->operation.api_path.size ? "/" : "",
                    (int)exchange->operation.api_path.size, exchange->operation.api_path.data);
        if (exchange->target.has_query)
            text_format(out, "?%.*s", (int)exchange->target.query.size, exchange->target.query.data);
        break;
    default:
        text_clear(out);
        break;
    }
}

static void write_answer(struct exchange *exchange, struct reply reply)
{
    struct stream *client = exchange->session->client;
    const struct verdict *verdict = &exchange->verdict;
    struct text location = {0};
    struct answer answer = {
        .content_type = reply.content_type,
        .body = text_bytes(&exchange->own),
        .omit_body = true, // it follows, as far as the client takes it
        .close = exchange->client_closes,
        .retry_after_s = verdict->retry_after_s,
    };
    struct wire wire;
    size_t room;

    write_location(exchange, &location);
    if (reply.status == 301 && location.size == 0)
        reply.status = 404; // a redirect that leads nowhere is none
    answer.status = reply.status;
    answer.location = text_bytes(&location);
    if (verdict->reason == REASON_METHOD)
        answer.allow = BYTES("GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS");
    if (verdict->reason == REASON_PROXY_AUTHORIZATION)
        answer.proxy_authenticate = BYTES("Basic realm=\"gitlatch\"");
    wire.data = stream_output_room(client, &room);
    wire = wire_of(wire.data, room);
    if (!answer_write(&answer, &wire)) {
        stream_commit(client, 0, false);
        text_free(&location);
        session_close(exchange->session, REASON_INTERNAL);
        return;
    }
    stream_commit(client, wire.size, false);
    text_free(&location);
    exchange->status = reply.status;
    exchange->answered = true;
    if (exchange->has_request && exchange->request.method == METHOD_HEAD)
        text_clear(&exchange->own);
    exchange_send_answer(exchange);
}

// Answers git's probe: whatever is to be said is said to the request that follows it.
static void answer_probe(struct exchange *exchange)
{
    bool push = exchange->operation.kind == OPERATION_PUSH;

    write_answer(exchange, (struct reply){200, push ? REFUSAL_RECEIVE_PACK_TYPE : REFUSAL_UPLOAD_PACK_TYPE});
}

static void answer_verdict(struct exchange *exchange)
{
    struct verdict *verdict = &exchange->verdict;
    bool has_operation = exchange->operation.kind != OPERATION_KIND_COUNT;
    bool is_push = exchange->gate && body_gate_kind(exchange->gate) == GATE_PUSH;
    struct reply_context context = {
        .id = exchange->id,
        .form = has_operation ? operation_form(exchange->operation.kind) : FORM_TEXT,
        .push = is_push ? body_gate_push(exchange->gate) : NULL,
        .decision = exchange->push.reasons && verdict->reason == exchange->push.verdict.reason ? &exchange->push : NULL,
    };

    // git answers a 401 with a prompt, and the reason is lost.
    if (verdict_status(verdict) == 401)
        verdict->status = 403;
    write_answer(exchange, reply_render(verdict, &context, &exchange->own));
}

void exchange_answer(struct exchange *exchange)
{
    if (!stream_output_empty(exchange->session->client))
        return; // the client reads slowly what it was answered before: exchange_client_output comes again
    if (exchange->kept_answer)
        write_answer(exchange, (struct reply){200, CAPABILITIES_TYPE});
    else if (exchange->gate && body_gate_is_probe(exchange->gate))
        answer_probe(exchange);
    else
        answer_verdict(exchange);
}

void exchange_answer_probe(struct exchange *exchange)
{
    exchange->response_state = RESPONSE_OWN;
    exchange->request_state = REQUEST_DROPPED;
    exchange_answer(exchange);
}

void exchange_send_answer(struct exchange *exchange)
{
    struct stream *client = exchange->session->client;
    struct bytes rest = bytes_skip(text_bytes(&exchange->own), exchange->own_sent);
    size_t sent = stream_send(client, rest);

    exchange->own_sent += sent;
    exchange->bytes_down += sent;
    exchange_moved(exchange);
    if (sent < rest.size)
        return;
    stream_flush(client);
    exchange_finish(exchange);
}
