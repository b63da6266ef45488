#include "exchange_state.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "mem.h"
#include "pool.h"
#include "rewrite.h"
#include "secret.h"
#include "stream.h"

// A connection that was lost before an answer began: a pooled one may have been closed by GitHub at that moment, a
// new one hardly.
#define LOST_TRIES_MAX 2

// A wide token that could pass round the rules: where they are not enforced, it is only noted, and asked for again as
// if there were none. True: so it is.
static bool is_waived(struct exchange *exchange, const struct verdict *verdict)
{
    if (verdict->reason != REASON_WIDE_TOKEN || exchange->runtime->config->enforce ||
        exchange_enforce(exchange, verdict))
        return false;
    exchange->decision.scope.ruled = false;
    exchange->token_ready = false;
    exchange_ask_token(exchange);
    exchange_proceed(exchange);
    return true;
}

static void use_token(struct exchange *exchange, struct token *token)
{
    exchange->token_ready = true;
    exchange->source = source_id_name(token->source);
    token_unref(exchange->token);
    exchange->token = token_ref(token);
}

static void on_token(void *arg, struct token *token, const struct verdict *verdict)
{
    struct exchange *exchange = arg;

    exchange->token_request = NULL;
    exchange->token_ready = true;
    if (verdict) {
        if (!is_waived(exchange, verdict))
            exchange_refuse(exchange, verdict);
        return;
    }
    use_token(exchange, token);
    exchange_proceed(exchange);
}

void exchange_ask_token(struct exchange *exchange)
{
    struct token *token;

    if (exchange->token_request || exchange->token_ready)
        return;
    if (exchange->decision.decision != DECISION_ALLOW ||
        operation_authorization(exchange->operation.kind) == AUTHORIZATION_NONE) {
        exchange->token_ready = true;
        return;
    }
    token = token_service_look(exchange->runtime->tokens, &exchange->decision.scope);
    if (token) {
        use_token(exchange, token);
        return;
    }
    exchange->token_request =
        token_service_ask(exchange->runtime->tokens, &exchange->decision.scope, on_token, exchange);
}

static void use_upstream(struct exchange *exchange, struct upstream *upstream)
{
    exchange->upstream = upstream;
    exchange->written_before = stream_bytes_written(upstream->stream);
    stream_set_owner(upstream->stream, &exchange_upstream_callbacks, exchange);
    stream_want_input(upstream->stream, true);
}

static void on_upstream(void *arg, struct upstream *upstream, const struct verdict *verdict)
{
    struct exchange *exchange = arg;

    exchange->pool_request = NULL;
    if (verdict) {
        exchange_refuse(exchange, verdict);
        return;
    }
    use_upstream(exchange, upstream);
    exchange_proceed(exchange);
}

// Whose token the connection carries: connections are not shared between owners.
static const char *owner_of(const struct exchange *exchange)
{
    return exchange->decision.decision == DECISION_ALLOW ? exchange->decision.scope.repository.owner : "";
}

// The host of GitHub that answers the operation.
static const char *host_of(const struct exchange *exchange)
{
    const struct github_host *host = exchange->operation.host;

    switch (exchange->operation.endpoint) {
    case GITHUB_ENDPOINT_WEB:
        return host->web;
    case GITHUB_ENDPOINT_API:
        return host->api;
    case GITHUB_ENDPOINT_UPLOADS:
        return host->uploads;
    }
    return host->web;
}

void exchange_ask_upstream(struct exchange *exchange)
{
    struct pool *pool = exchange->github->pool;
    const char *host = host_of(exchange), *owner = owner_of(exchange);
    struct upstream *idle;

    if (exchange->upstream || exchange->pool_request)
        return;
    // After a loss only a new connection will do: the other idle ones may be as old.
    idle = exchange->tries == 0 ? pool_take(pool, host, 443, owner) : NULL;
    if (idle)
        use_upstream(exchange, idle);
    else
        exchange->pool_request = pool_dial(pool, host, 443, owner, on_upstream, exchange);
}

// "Bearer TOKEN".
static struct secret *bearer_value(struct bytes token)
{
    static const char bearer[] = "Bearer ";
    char *data;
    struct secret *value = secret_new_sized(sizeof(bearer) - 1 + token.size, &data);

    memcpy(data, bearer, sizeof(bearer) - 1);
    memcpy(data + sizeof(bearer) - 1, token.data, token.size);
    return value;
}

// "Basic base64(x-access-token:TOKEN)".
static struct secret *basic_value(struct bytes token)
{
    static const char user[] = "x-access-token:", basic[] = "Basic ";
    size_t plain_size = sizeof(user) - 1 + token.size, encoded_size = (plain_size + 2) / 3 * 4;
    char *plain = mem_alloc(plain_size), *data;
    unsigned char *encoded = mem_alloc(encoded_size + 1);
    struct secret *value = secret_new_sized(sizeof(basic) - 1 + encoded_size, &data);

    memcpy(plain, user, sizeof(user) - 1);
    memcpy(plain + sizeof(user) - 1, token.data, token.size);
    EVP_EncodeBlock(encoded, (const unsigned char *)plain, (int)plain_size);
    memcpy(data, basic, sizeof(basic) - 1);
    memcpy(data + sizeof(basic) - 1, encoded, encoded_size);
    OPENSSL_cleanse(encoded, encoded_size);
    OPENSSL_cleanse(plain, plain_size);
    mem_free(encoded);
    mem_free(plain);
    return value;
}

// A reference. Git's form, which most requests want, is made once for each token.
static struct secret *authorization_value(const struct exchange *exchange)
{
    struct secret *token = exchange->token->value;

    if (operation_authorization(exchange->operation.kind) == AUTHORIZATION_BEARER)
        return bearer_value(secret_bytes(token));
    if (!secret_form(token))
        secret_keep_form(token, basic_value(secret_bytes(token)));
    return secret_ref(secret_form(token));
}

static bool write_head(struct exchange *exchange)
{
    struct stream *upstream = exchange->upstream->stream;
    struct secret *value = exchange->token ? authorization_value(exchange) : NULL;
    struct rewrite_request options = {
        .target = &exchange->target,
        .host = bytes_of_string(host_of(exchange)),
        .authorization = value ? secret_bytes(value) : BYTES(""),
    };
    size_t room;
    char *at = stream_output_room(upstream, &room);
    struct wire wire = wire_of(at, room);
    bool fits = rewrite_request(&exchange->request, &options, &wire);

    stream_commit(upstream, fits ? wire.size : 0, value != NULL);
    secret_unref(value);
    return fits;
}

void exchange_proceed(struct exchange *exchange)
{
    if (exchange->request_state != REQUEST_WAIT || !exchange->token_ready || !exchange->upstream ||
        timer_pending(&exchange->pause))
        return;
    if (exchange_is_beyond_grant(exchange))
        return;
    if (!write_head(exchange)) {
        exchange_refuse_with(exchange, REASON_HEADER_TOO_LARGE, NULL);
        return;
    }
    exchange->request_state = REQUEST_SEND;
    exchange->response_state = RESPONSE_HEAD;
    exchange->held.sent = 0;
    head_init(&exchange->response);
    exchange_moved(exchange);
    exchange_send(exchange);
}

void exchange_release(struct exchange *exchange, bool keep_upstream)
{
    if (exchange->granted_request)
        granted_request_cancel(exchange->granted_request);
    if (exchange->token_request)
        token_request_cancel(exchange->token_request);
    if (exchange->pool_request)
        pool_cancel(exchange->pool_request);
    if (exchange->upstream)
        pool_give(exchange->upstream, keep_upstream);
    timer_stop(&exchange->pause);
    exchange->granted_request = NULL;
    exchange->token_request = NULL;
    exchange->pool_request = NULL;
    exchange->upstream = NULL;
}

void exchange_replace_upstream(struct exchange *exchange)
{
    pool_give(exchange->upstream, false);
    exchange->upstream = NULL;
    if (exchange->tries++ < LOST_TRIES_MAX)
        exchange_ask_upstream(exchange);
    else
        exchange_refuse_with(exchange, REASON_UPSTREAM_LOST, NULL);
}

bool exchange_is_whole(const struct exchange *exchange)
{
    return exchange->held.complete &&
           (exchange->request_state == REQUEST_SENT || exchange->request_state == REQUEST_SEND);
}

bool exchange_may_repeat(const struct exchange *exchange)
{
    bool nothing_written =
        exchange->upstream && stream_bytes_written(exchange->upstream->stream) == exchange->written_before;

    if (!exchange_is_whole(exchange) || exchange->answered || exchange->tries >= LOST_TRIES_MAX)
        return false;
    switch (exchange->operation.kind) {
    case OPERATION_FETCH_REFS:
    case OPERATION_PUSH_REFS:
    case OPERATION_FETCH:
    case OPERATION_LFS_BATCH:
        return true;
    default:
        return exchange->operation.reads || nothing_written;
    }
}

static void on_pause_over(void *arg)
{
    struct exchange *exchange = arg;

    exchange_ask_token(exchange);
    exchange_ask_upstream(exchange);
    exchange_proceed(exchange);
}

void exchange_repeat(struct exchange *exchange, int64_t pause_ms, bool renew)
{
    exchange_release(exchange, false);
    exchange->tries++;
    exchange->request_state = REQUEST_WAIT;
    exchange->response_state = RESPONSE_NONE;
    exchange->held.sent = 0;
    text_clear(&exchange->own);
    if (renew) {
        exchange->renewed = true;
        exchange->token_ready = false;
        token_service_rejected(exchange->runtime->tokens, exchange->token);
    }
    timer_init(&exchange->pause, server_loop(exchange->session->server), on_pause_over, exchange);
    timer_start(&exchange->pause, pause_ms);
}
