#include "own_answer.h"

#include <string.h>

#include "answer.h"
#include "capabilities.h"
#include "mem.h"
#include "refusal.h"
#include "reply.h"
#include "rewrite.h"
#include "stream.h"

void own_answer_init(struct own_answer *answer)
{
    memset(answer, 0, sizeof(*answer));
}

void own_answer_clear(struct own_answer *answer)
{
    text_free(&answer->body);
    mem_free(answer->amended);
    answer->amended = NULL;
}

const struct head *own_answer_amend(struct own_answer *answer, const struct head *head)
{
    answer->amended = mem_alloc(sizeof(*answer->amended) + head->size);
    head_copy(&answer->amended->head, answer->amended->bytes, head, head->data);
    return &answer->amended->head;
}

// Where a redirect to the new name leads: only a request without a body can follow it.
static void write_location(const struct own_answer_context *context, struct text *out)
{
    const struct request *request = context->request;
    const struct operation *operation = &request->operation;
    const struct verdict *verdict = context->verdict;
    const struct operation_traits *traits = operation_traits(operation->kind);
    struct bytes query = request->target.query;

    if (verdict->reason != REASON_RENAMED || !operation->reads || !verdict->location[0])
        return;
    if (context->client->mode == AUDIT_GATEWAY)
        text_format(out, "http://%.*s/%s", (int)request->head.host.size, request->head.host.data, operation->host->web);
    else
        text_format(out, "https://%s", context->client->host.text);
    if (traits->advertisement) {
        text_format(out, "/%s%s.git/info/refs?%.*s", verdict->location, operation->wiki ? ".wiki" : "", (int)query.size,
                    query.data);
    } else if (traits->access == ACCESS_API) {
        text_format(out, "%s/repos/%s%s%.*s", operation->endpoint == GITHUB_ENDPOINT_WEB ? "/api/v3" : "",
                    verdict->location, operation->api_path.size ? "/" : "", (int)operation->api_path.size,
                    operation->api_path.data);
        if (request->target.has_query)
            text_format(out, "?%.*s", (int)query.size, query.data);
    } else {
        text_clear(out);
    }
}

// What the verdict adds to the answer's head.
static void add_verdict(struct answer *head, const struct own_answer_context *context, struct text *location)
{
    const struct verdict *verdict = context->verdict;

    head->retry_after_s = verdict->retry_after_s;
    write_location(context, location);
    head->location = text_bytes(location);
    if (head->status == 301 && location->size == 0)
        head->status = 404; // a redirect that leads nowhere is none
    if (head->status == 401)
        head->status = 403; // git answers a 401 with a prompt, and the reason is lost
    if (verdict->reason == REASON_METHOD)
        head->allow = BYTES("GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS");
    if (verdict->reason == REASON_PROXY_AUTHORIZATION)
        head->proxy_authenticate = BYTES("Basic realm=\"gitlatch\"");
}

// Writes the head of GitHub's that has another body now. False: it does not fit.
static bool write_amended_head(struct own_answer *answer, const struct own_answer_context *context)
{
    struct rewrite_response options = {.close = context->close, .replaced = true, .size = answer->body.size};
    struct stream *client = context->client->stream;
    size_t room;
    char *at = stream_output_room(client, &room);
    struct wire wire = wire_of(at, room);
    bool fits = rewrite_response(&answer->amended->head, &options, &wire);

    stream_commit(client, fits ? wire.size : 0, false);
    if (fits)
        answer->status = answer->amended->head.status;
    return fits;
}

// Writes the head. False: it does not fit.
static bool write_own_head(struct own_answer *answer, const struct own_answer_context *context, struct reply reply)
{
    struct stream *client = context->client->stream;
    struct text location = {0};
    struct answer head = {
        .status = reply.status,
        .content_type = reply.content_type,
        .body = text_bytes(&answer->body),
        .omit_body = true, // it follows, as far as the client takes it
        .close = context->close,
    };
    struct wire wire;
    size_t room;
    bool fits;

    if (answer->kind == OWN_ANSWER_VERDICT)
        add_verdict(&head, context, &location);
    wire.data = stream_output_room(client, &room);
    wire = wire_of(wire.data, room);
    fits = answer_write(&head, &wire);
    stream_commit(client, fits ? wire.size : 0, false);
    text_free(&location);
    if (fits)
        answer->status = head.status;
    return fits;
}

static struct reply render_verdict(struct own_answer *answer, const struct own_answer_context *context)
{
    const struct body_gate *gate = context->gate;
    const struct push_decision *push = context->push;
    struct reply_context reply = {
        .id = context->request->id,
        .form = operation_form(context->request->operation.kind),
        .push = gate && body_gate_kind(gate) == GATE_PUSH ? body_gate_push(gate) : NULL,
        .decision = push->reasons && context->verdict->reason == push->verdict.reason ? push : NULL,
    };

    struct reply rendered = reply_render(context->verdict, &reply, &answer->body);

    if (budget_hold(context->budget, answer->body.size))
        return rendered;
    // Without memory for a line a ref it says the reason alone.
    text_free(&answer->body);
    reply.push = NULL;
    reply.decision = NULL;
    return reply_render(context->verdict, &reply, &answer->body);
}

static struct reply render(struct own_answer *answer, const struct own_answer_context *context)
{
    bool push = operation_form(context->request->operation.kind) == FORM_RECEIVE_PACK;

    switch (answer->kind) {
    case OWN_ANSWER_KEPT:
        return (struct reply){200, CAPABILITIES_TYPE};
    case OWN_ANSWER_LFS:
        return (struct reply){200, BYTES("application/vnd.git-lfs+json")};
    case OWN_ANSWER_PROBE: // what is to be said is said to the request that follows it
        return (struct reply){200, push ? REFUSAL_RECEIVE_PACK_TYPE : REFUSAL_UPLOAD_PACK_TYPE};
    case OWN_ANSWER_AMENDED: // it has GitHub's head
    case OWN_ANSWER_VERDICT:
        break;
    }
    return render_verdict(answer, context);
}

static bool is_head_request(const struct request *request)
{
    return request->is_http && request->head.method == METHOD_HEAD;
}

enum own_answer_result own_answer_send(struct own_answer *answer, const struct own_answer_context *context)
{
    struct stream *client = context->client->stream;
    struct bytes rest;

    if (answer->status == 0) {
        if (!stream_output_empty(client))
            return OWN_ANSWER_MORE; // the client reads slowly what it was answered before
        if (answer->amended ? !write_amended_head(answer, context)
                            : !write_own_head(answer, context, render(answer, context)))
            return OWN_ANSWER_TOO_LARGE;
        if (is_head_request(context->request))
            text_clear(&answer->body);
    }
    rest = bytes_skip(text_bytes(&answer->body), answer->sent);
    answer->sent += stream_send(client, rest);
    if (answer->sent < answer->body.size)
        return OWN_ANSWER_MORE;
    stream_flush(client);
    return OWN_ANSWER_SENT;
}
