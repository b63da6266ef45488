#include "overload.h"

#include <sys/socket.h>
#include <unistd.h>

#include "answer.h"
#include "record.h"
#include "reply.h"
#include "session.h"

// What a client may have sent already is read, up to this size: a connection that is closed with bytes unread is reset, and
// the client may never see the answer.
#define UNREAD_MAX ((size_t)64 * KIB)

static void record_refusal(const struct client *client, struct request *request, const struct verdict *verdict,
                           uint64_t bytes)
{
    struct record record = {
        .client = client,
        .id = request->id,
        .started = loop_now(client->loop),
        .reason = verdict->reason,
        .status = bytes > 0 ? reason_row(verdict->reason)->status : 0,
        .bytes_down = bytes,
    };

    record_request(&record, request, NULL);
}

// Gives the bytes that the socket took: all, since its buffer is empty.
static size_t send_refusal(int fd, const struct verdict *verdict, const struct request *request)
{
    struct reply_context context = {.id = request->id, .form = FORM_TEXT};
    struct text body = {0};
    struct reply reply = reply_render(verdict, &context, &body);
    struct answer answer = {
        .status = reply.status,
        .content_type = reply.content_type,
        .body = text_bytes(&body),
        .close = true,
        .retry_after_s = verdict->retry_after_s,
    };
    char bytes[ANSWER_ROOM + 2 * KIB], unread[4 * KIB];
    struct wire wire = wire_of(bytes, sizeof(bytes));
    ssize_t sent = 0;

    if (answer_write(&answer, &wire))
        sent = send(fd, bytes, wire.size, MSG_NOSIGNAL | MSG_DONTWAIT);
    text_free(&body);
    shutdown(fd, SHUT_WR);
    for (size_t left = UNREAD_MAX; left > 0 && recv(fd, unread, sizeof(unread), MSG_DONTWAIT) > 0;)
        left -= sizeof(unread);
    return sent > 0 ? (size_t)sent : 0;
}

void overload_refuse(struct session_context *context, int fd, const struct address *peer, bool transparent,
                     enum reason reason)
{
    static struct request request; // 10 KiB, used within this call alone
    struct client client = {
        .loop = context->loop,
        .metrics = context->metrics,
        .mode = transparent ? AUDIT_TRANSPARENT : AUDIT_PROXY,
    };
    struct verdict verdict;
    size_t sent;

    address_format(peer, client.peer);
    request_init(&request, &context->ids);
    verdict_set(&verdict, reason, NULL);
    if (reason == REASON_CONNECTIONS)
        verdict.retry_after_s = 1;
    sent = transparent ? 0 : send_refusal(fd, &verdict, &request);
    close(fd);
    record_refusal(&client, &request, &verdict, sent);
}
