#include "rules_answer.h"

#include "answer.h"
#include "audit.h"
#include "config.h"
#include "loop.h"
#include "operation.h"
#include "runtime.h"
#include "stream.h"
#include "target.h"
#include "text.h"
#include "workspace_rules.h"

#define PATH BYTES("/.well-known/gitlatch")
// The answer fits a stream's buffer of 64 KiB, with its head and what stands behind the rules.
#define RULES_SIZE_MAX (48 * KIB)
// A rule is longer than this only with hundreds of patterns.
#define BODY_SIZE_MAX (60 * KIB)

bool rules_answer_is_asked(const struct head *request)
{
    struct target target;

    return (request->method == METHOD_GET || request->method == METHOD_HEAD) &&
           target_parse(request->method, request->target, &target, NULL) && bytes_equal(target.path, PATH);
}

static void record_rules(struct client *client, const struct head *request, size_t size)
{
    char id[REQUEST_ID_SIZE];
    const struct audit_event event = {
        .event = "request",
        .id = id,
        .client = client->peer,
        .mode = AUDIT_GATEWAY,
        .operation = operation_label_name(LABEL_OTHER),
        .decision = DECISION_ALLOW,
        .status = 200,
        .bytes_down = size,
        .user_agent = head_value(request, FIELD_USER_AGENT),
    };

    request_ids_next(client->ids, id);
    audit_write(&event, clock_wall(loop_clock(client->loop)));
}

static bool write_rules(struct stream *stream, const struct head *request, struct bytes body)
{
    struct answer answer = {
        .status = 200,
        .content_type = BYTES("application/json; charset=utf-8"),
        .body = body,
        .omit_body = request->method == METHOD_HEAD,
        .close = true,
    };
    struct wire wire;
    size_t room;
    bool written;

    wire.data = stream_output_room(stream, &room);
    wire = wire_of(wire.data, room);
    written = answer_write(&answer, &wire);
    stream_commit(stream, written ? wire.size : 0, false);
    return written;
}

void rules_answer_text(const struct runtime *runtime, struct text *out)
{
    workspace_rules_append(runtime->config, runtime->granted != NULL, RULES_SIZE_MAX, out);
    if (out->size > BODY_SIZE_MAX) {
        text_clear(out);
        workspace_rules_append(runtime->config, runtime->granted != NULL, 0, out);
    }
}

bool rules_answer_send(struct client *client, const struct head *request)
{
    struct text text = {0};
    bool written;

    rules_answer_text(client->runtime, &text);
    written = write_rules(client->stream, request, text_bytes(&text));
    if (written) {
        record_rules(client, request, text.size);
        stream_consume(client->stream, request->size);
        stream_flush(client->stream);
    }
    text_free(&text);
    return written;
}
