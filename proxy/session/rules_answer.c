#include "rules_answer.h"

#include "answer.h"
#include "exchange.h"
#include "gateway.h"
#include "server_state.h"
#include "session.h"
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

static void record(struct session *session, const struct head *request, size_t size)
{
    char id[REQUEST_ID_SIZE];
    const struct audit_event event = {
        .event = "request",
        .id = id,
        .client = session->peer,
        .mode = AUDIT_GATEWAY,
        .operation = operation_label_name(LABEL_OTHER),
        .decision = DECISION_ALLOW,
        .status = 200,
        .bytes_down = size,
        .user_agent = head_value(request, FIELD_USER_AGENT),
    };

    server_next_id(session->server, id);
    audit_write(&event, clock_wall(server_clock(session->server)));
}

static bool send_answer(struct session *session, const struct head *request, struct bytes body)
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

    wire.data = stream_output_room(session->client, &room);
    wire = wire_of(wire.data, room);
    if (!answer_write(&answer, &wire)) {
        stream_commit(session->client, 0, false);
        return false;
    }
    stream_commit(session->client, wire.size, false);
    record(session, request, body.size);
    return true;
}

void rules_answer(struct session *session, const struct head *request)
{
    const struct runtime *runtime = session->runtime;
    struct text text = {0};
    struct verdict verdict;
    bool sent;

    if (!gateway_may_be_asked(session, request)) {
        verdict_set(&verdict, REASON_GATEWAY_FOREIGN, NULL);
        exchange_start_refused(session, request, &verdict);
        return;
    }
    workspace_rules_append(runtime->config, runtime->granted != NULL, RULES_SIZE_MAX, &text);
    if (text.size > BODY_SIZE_MAX) {
        text_clear(&text);
        workspace_rules_append(runtime->config, runtime->granted != NULL, 0, &text);
    }
    sent = send_answer(session, request, text_bytes(&text));
    text_free(&text);
    if (!sent) {
        session_close(session, REASON_INTERNAL);
        return;
    }
    stream_consume(session->client, request->size);
    stream_flush(session->client);
    session_linger(session);
}
