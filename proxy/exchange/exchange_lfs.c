#include "exchange_lfs.h"

#include "authorization.h"
#include "exchange_answer.h"
#include "exchange_state.h"
#include "gunzip.h"
#include "lfs_answer.h"
#include "secret.h"

static void refuse(struct exchange *exchange, const char *sentence)
{
    exchange_answer_refuse_for(exchange, REASON_UPSTREAM_PROTOCOL, sentence);
}

bool exchange_lfs_is_asked(const struct exchange *exchange)
{
    const struct operation *operation = &exchange->request.operation;

    return operation_traits(operation->kind)->gate == GATE_LFS_BATCH && !git_host_is_github(operation->host) &&
           exchange->attempt.answer.status == 200;
}

void exchange_lfs_begin(struct exchange *exchange)
{
    exchange_state_enter(exchange, EXCHANGE_CLEANS);
    download_begin_held(&exchange->download, attempt_stream(&exchange->attempt), &exchange->attempt.answer,
                        &exchange->request, LFS_ANSWER_MAX + 1);
    exchange_lfs_read(exchange);
}

// The answer before it was compressed. False: it cannot be read.
static bool inflate(struct bytes coded, struct text *out)
{
    struct gunzip *gunzip = gunzip_new(LFS_ANSWER_MAX);
    enum gunzip_result result;
    struct bytes piece;

    while ((result = gunzip_read(gunzip, &coded, &piece)) == GUNZIP_PIECE)
        text_append_bytes(out, piece);
    gunzip_free(gunzip);
    return result == GUNZIP_END;
}

static bool clean(const struct exchange *exchange, struct bytes answer, struct text *out)
{
    const struct operation *operation = &exchange->request.operation;
    const struct token *token = exchange->attempt.token;
    struct secret *value = token ? authorization_new(operation->host, AUTHORIZATION_BASIC, token->value) : NULL;
    bool ok = lfs_answer_clean(operation->host, answer, token ? token->value : NULL,
                               value ? secret_bytes(value) : BYTES(""), out);

    secret_unref(value);
    return ok;
}

static void answer(struct exchange *exchange)
{
    struct bytes held = text_bytes(&exchange->download.copy);
    enum content_coding coding = content_coding(head_value(&exchange->attempt.answer, FIELD_CONTENT_ENCODING));
    struct text inflated = {0};
    bool read = coding == CONTENT_IDENTITY || (coding == CONTENT_GZIP && inflate(held, &inflated));

    if (coding == CONTENT_GZIP)
        held = text_bytes(&inflated);
    if (held.size > LFS_ANSWER_MAX)
        refuse(exchange, "the answer to a Git LFS batch is larger than 1 MiB");
    else if (!read || !clean(exchange, held, &exchange->own_answer.body))
        refuse(exchange, "the answer to a Git LFS batch cannot be read, or holds the credential where none belongs");
    else
        exchange_answer_begin(exchange, OWN_ANSWER_LFS);
    text_free(&inflated);
}

void exchange_lfs_read(struct exchange *exchange)
{
    switch (download_read_held(&exchange->download, attempt_stream(&exchange->attempt), &exchange->budget)) {
    case DOWNLOAD_MORE:
        break;
    case DOWNLOAD_DONE:
        answer(exchange);
        break;
    case DOWNLOAD_LOST:
        exchange_answer_refuse_for(exchange, REASON_UPSTREAM_LOST, NULL);
        break;
    case DOWNLOAD_MALFORMED:
        exchange_answer_refuse_for(exchange, REASON_UPSTREAM_PROTOCOL, NULL);
        break;
    case DOWNLOAD_TOO_LARGE:
        exchange_answer_refuse_for(exchange, REASON_MEMORY, NULL);
        break;
    }
}
