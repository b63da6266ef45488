#include "kept_answer.h"

#include "capabilities.h"
#include "gunzip.h"
#include "kept_capabilities.h"
#include "text.h"

// "0024ERR …": a packet's length, and how an error begins (gitprotocol-pack(5), "error-line").
#define ERROR_FRONT_SIZE 8

static enum operation_keeping keeping_of(const struct kept_answer *kept)
{
    return operation_traits(kept->request->operation.kind)->keeping;
}

// Whether the request is one whose answer may be kept: it asks for what git asks for, and nothing beside.
static bool find_question(const struct kept_answer *kept, struct kept_question *ret_question)
{
    const struct request *request = kept->request;
    const struct head *head = &request->head;
    struct bytes git_protocol = head_value(head, FIELD_GIT_PROTOCOL);

    if (!kept->runtime->capabilities || kept->outside_grant || keeping_of(kept) != KEEPING_ANSWER ||
        head->method != METHOD_GET || request->has_body ||
        !bytes_equal(request->target.query, BYTES("service=git-upload-pack")) || head->count[FIELD_GIT_PROTOCOL] != 1 ||
        !bytes_contain(git_protocol, BYTES("version=2")) || git_protocol.size > 64)
        return false;
    *ret_question = (struct kept_question){
        .operation = &request->operation,
        .anonymous = kept->anonymous,
        .git_protocol = git_protocol,
    };
    return true;
}

struct bytes kept_answer_find(const struct kept_answer *kept)
{
    struct kept_question question;

    if (!find_question(kept, &question))
        return BYTES("");
    return kept_capabilities_find(kept->runtime->capabilities, &question);
}

size_t kept_answer_copy_size(const struct kept_answer *kept, const struct head *answer)
{
    struct kept_question question;

    if (!kept->runtime->capabilities || answer->status != 200)
        return 0;
    if (keeping_of(kept) == KEEPING_USE)
        return ERROR_FRONT_SIZE;
    return find_question(kept, &question) ? CAPABILITIES_SIZE_MAX + 1 : 0;
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
static void keep_advertisement(const struct kept_answer *kept, const struct kept_question *question,
                               const struct head *answer, struct bytes body)
{
    enum content_coding coding = content_coding(head_value(answer, FIELD_CONTENT_ENCODING));
    struct text inflated = {0};

    if (coding == CONTENT_GZIP) {
        inflate_copy(body, &inflated);
        body = text_bytes(&inflated);
    }
    if (coding != CONTENT_OTHER && capabilities_check(body))
        kept_capabilities_put(kept->runtime->capabilities, question, body);
    text_free(&inflated);
}

void kept_answer_take(const struct kept_answer *kept, const struct head *answer, struct bytes copy)
{
    struct kept_question question;

    // What was kept may be why a fetch fails: of a repository that was made anew with another object format, say. A server
    // that dies of a request may say nothing at all.
    if (keeping_of(kept) != KEEPING_USE) {
        if (find_question(kept, &question))
            keep_advertisement(kept, &question, answer, copy);
    } else if (copy.size < ERROR_FRONT_SIZE || bytes_end_with(copy, BYTES("ERR "))) {
        kept_answer_forget(kept->runtime, &kept->request->operation);
    }
}

bool kept_answer_forget(const struct runtime *runtime, const struct operation *operation)
{
    return runtime->capabilities && operation_has_repository(operation) &&
           kept_capabilities_drop(runtime->capabilities, operation);
}
