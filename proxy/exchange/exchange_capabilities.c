// `upstream.keep_capabilities`: the answer to a fetch's first request holds no ref, so it is kept for the next fetch of
// the same repository by the same rules and in the same protocol version (kept_capabilities.h). The rules decide each
// request before it gets here, and a reload starts with nothing kept.
#include "exchange_state.h"

#include "capabilities.h"
#include "gunzip.h"
#include "kept_capabilities.h"

// "0024ERR …": a packet's length, and how an error begins (gitprotocol-pack(5), "error-line").
#define ERROR_FRONT_SIZE 8

// Whether the request is one whose answer may be kept: it asks for what git asks for, and nothing beside. What lies
// beyond a broker's grant is decided once more when its token is there.
static bool tell_question(const struct exchange *exchange, struct kept_question *ret_question)
{
    const struct head *request = &exchange->request;
    struct bytes git_protocol = head_value(request, FIELD_GIT_PROTOCOL);

    if (!exchange->runtime->capabilities || exchange->beyond || exchange->operation.kind != OPERATION_FETCH_REFS ||
        request->method != METHOD_GET || !body_is_done(&exchange->up.body) ||
        !bytes_equal(exchange->target.query, BYTES("service=git-upload-pack")) ||
        request->count[FIELD_GIT_PROTOCOL] != 1 || !bytes_contain(git_protocol, BYTES("version=2")) ||
        git_protocol.size > 64)
        return false;
    *ret_question = (struct kept_question){
        .operation = &exchange->operation,
        .anonymous = exchange->decision.decision != DECISION_ALLOW,
        .git_protocol = git_protocol,
    };
    return true;
}

bool exchange_answer_kept(struct exchange *exchange)
{
    struct kept_question question;
    struct bytes kept;

    if (!tell_question(exchange, &question))
        return false;
    kept = kept_capabilities_find(exchange->runtime->capabilities, &question);
    if (kept.size == 0)
        return false;
    text_append_bytes(&exchange->own, kept);
    exchange->kept_answer = true;
    exchange->up.body_done = true;
    exchange->request_state = REQUEST_DROPPED;
    exchange->response_state = RESPONSE_OWN;
    exchange_answer(exchange);
    return true;
}

static size_t bytes_to_copy(const struct exchange *exchange)
{
    struct kept_question question;

    if (!exchange->runtime->capabilities || exchange->response.status != 200)
        return 0;
    if (exchange->operation.kind == OPERATION_FETCH)
        return ERROR_FRONT_SIZE;
    return tell_question(exchange, &question) ? CAPABILITIES_SIZE_MAX + 1 : 0;
}

void exchange_copy_begin(struct exchange *exchange)
{
    exchange->copy_max = bytes_to_copy(exchange);
    exchange->copied = exchange->down.body;
    text_clear(&exchange->own);
}

void exchange_copy(struct exchange *exchange, struct bytes raw)
{
    size_t used;
    struct bytes data;

    while (raw.size > 0 && exchange->own.size < exchange->copy_max) {
        size_t room = exchange->copy_max - exchange->own.size;
        enum body_result result = body_next_data(&exchange->copied, raw, &used, &data);

        text_append_bytes(&exchange->own, bytes_of(data.data, data.size < room ? data.size : room));
        if (result != BODY_MORE)
            return;
        raw = bytes_skip(raw, used);
    }
}

// The copy as it was before it was compressed; empty: it cannot be read.
static void inflate_copy(struct bytes copy, struct text *out)
{
    struct gunzip *gunzip = gunzip_new(CAPABILITIES_SIZE_MAX);
    enum gunzip_result result;
    struct bytes piece;

    while ((result = gunzip_read(gunzip, &copy, &piece)) == GUNZIP_PIECE)
        text_append_bytes(out, piece);
    if (result != GUNZIP_END)
        text_clear(out);
    gunzip_free(gunzip);
}

// It is kept as it is before compression, which every client takes.
static void keep(const struct exchange *exchange, const struct kept_question *question)
{
    const struct head *response = &exchange->response;
    enum content_coding coding = content_coding(head_value(response, FIELD_CONTENT_ENCODING));
    struct bytes body = text_bytes(&exchange->own);
    struct text inflated = {0};

    if (coding == CONTENT_GZIP) {
        inflate_copy(body, &inflated);
        body = text_bytes(&inflated);
    }
    if (coding != CONTENT_OTHER && capabilities_check(body))
        kept_capabilities_put(exchange->runtime->capabilities, question, body);
    text_free(&inflated);
}

void exchange_copy_end(struct exchange *exchange)
{
    struct kept_question question;

    if (exchange->copy_max == 0)
        return;
    if (exchange->operation.kind == OPERATION_FETCH) {
        // What was kept may be why: of a repository that was made anew with another object format, say. A server that
        // dies of a request may say nothing at all.
        if (exchange->own.size < ERROR_FRONT_SIZE || bytes_end_with(text_bytes(&exchange->own), BYTES("ERR ")))
            exchange_forget_kept(exchange);
    } else if (tell_question(exchange, &question)) {
        keep(exchange, &question);
    }
}

void exchange_forget_kept(struct exchange *exchange)
{
    if (exchange->runtime->capabilities && exchange->operation.repository.owner[0])
        kept_capabilities_drop(exchange->runtime->capabilities, &exchange->operation);
}
