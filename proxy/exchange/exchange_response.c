#include "exchange_state.h"

#include "gunzip.h"
#include "pool.h"
#include "rewrite.h"
#include "stream.h"

// While a token is younger than this, GitHub's refusal may be a replica's that does not know it yet.
#define LAG_AGE_MS (10 * SECOND_MS)
#define LAG_TRIES  3

int64_t exchange_lag_pause(const struct exchange *exchange)
{
    struct mono now = loop_now(server_loop(exchange->session->server));

    if (!exchange->token || token_age_ms(exchange->token, now) > LAG_AGE_MS || exchange->tries >= LAG_TRIES ||
        !exchange_is_whole(exchange))
        return 0;
    return (exchange->tries + 1) * SECOND_MS;
}

static bool is_git(enum operation_kind kind)
{
    return kind == OPERATION_FETCH_REFS || kind == OPERATION_FETCH || kind == OPERATION_PUSH_REFS ||
           kind == OPERATION_PUSH;
}

static bool asks_for_refs(enum operation_kind kind)
{
    return kind == OPERATION_FETCH_REFS || kind == OPERATION_PUSH_REFS;
}

// GitHub does not accept the token, or wants one.
static void on_unauthorized(struct exchange *exchange)
{
    int64_t pause_ms = exchange_lag_pause(exchange);

    if (!exchange->token)
        exchange_refuse_with(exchange, REASON_GITHUB_ANONYMOUS, NULL);
    else if (pause_ms > 0)
        exchange_repeat(exchange, pause_ms, false);
    else if (!exchange->renewed && exchange_is_whole(exchange))
        exchange_repeat(exchange, 0, true);
    else
        exchange_refuse_with(exchange, REASON_GITHUB_UNAUTHORIZED, NULL);
}

static enum reason reason_of_status(int status)
{
    switch (status) {
    case 403:
        return REASON_GITHUB_REFUSED;
    case 404:
        return REASON_GITHUB_NOT_FOUND;
    case 429:
        return REASON_RATE_LIMITED;
    default:
        return status >= 500 ? REASON_GITHUB_FAILED : REASON_GITHUB_REFUSED;
    }
}

// GitHub's words are decoded as far as they came.
static void inflate_quote(struct bytes coded, struct text *out)
{
    struct gunzip *gunzip = gunzip_new(EXCHANGE_QUOTE_MAX);
    struct bytes piece;

    while (gunzip_read(gunzip, &coded, &piece) == GUNZIP_PIECE)
        text_append_bytes(out, piece);
    gunzip_free(gunzip);
}

// Ends a git request with GitHub's words, in the form that git shows.
void exchange_refuse_with_quote(struct exchange *exchange)
{
    struct text inflated = {0};
    struct bytes quote = text_bytes(&exchange->own);
    int status = exchange->response.status;
    struct verdict verdict;

    if (exchange->quote_is_gzip) {
        inflate_quote(quote, &inflated);
        quote = text_bytes(&inflated);
    }
    while (quote.size > 0 && (quote.data[quote.size - 1] == '\n' || quote.data[quote.size - 1] == '\r'))
        quote.size--;
    if (exchange->quote_is_text && quote.size > 0)
        verdict_set(&verdict, reason_of_status(status), "GitHub answered %d: %.*s", status, (int)quote.size,
                    quote.data);
    else
        verdict_set(&verdict, reason_of_status(status), "GitHub answered %d", status);
    text_free(&inflated);
    if (status == 403 || status == 404 || status == 429)
        verdict.status = status;
    verdict.retry_after_s = exchange->quote_retry_after_s;
    exchange_refuse(exchange, &verdict);
}

// Seconds; a date, which GitHub does not send here, counts as none.
static unsigned parse_seconds(struct bytes text)
{
    unsigned seconds = 0;

    for (size_t i = 0; i < text.size && i < 6 && text.data[i] >= '0' && text.data[i] <= '9'; i++)
        seconds = seconds * 10 + (unsigned)(text.data[i] - '0');
    return seconds;
}

static void on_quoted(void *arg, struct bytes bytes, bool passed)
{
    struct exchange *exchange = arg;
    size_t room = EXCHANGE_QUOTE_MAX - exchange->own.size;

    if (passed)
        text_append_bytes(&exchange->own, bytes_of(bytes.data, bytes.size < room ? bytes.size : room));
}

static void read_error(struct exchange *exchange)
{
    enum pump_result result = pump_drain(&exchange->down, exchange->upstream->stream, on_quoted, exchange);

    exchange_moved(exchange);
    if (result == PUMP_SOURCE && exchange->own.size < EXCHANGE_QUOTE_MAX)
        return;
    exchange_refuse_with_quote(exchange);
}

static void begin_error(struct exchange *exchange)
{
    const struct head *response = &exchange->response;
    enum content_coding coding = content_coding(head_value(response, FIELD_CONTENT_ENCODING));

    exchange->down.dechunk = true;
    exchange->quote_is_gzip = coding == CONTENT_GZIP;
    exchange->quote_is_text =
        coding != CONTENT_OTHER && bytes_start_with(head_value(response, FIELD_CONTENT_TYPE), BYTES("text/plain"));
    exchange->quote_retry_after_s = parse_seconds(head_value(response, FIELD_RETRY_AFTER));
    stream_consume(exchange->upstream->stream, response->size);
    exchange->response_state = RESPONSE_ERROR;
    read_error(exchange);
}

static bool is_served(const void *arg, const struct host_name *host)
{
    const struct exchange *exchange = arg;
    enum github_endpoint endpoint;

    return runtime_find_github(exchange->runtime, host, &endpoint) != NULL;
}

void exchange_pass_response(struct exchange *exchange)
{
    struct session *session = exchange->session;
    struct rewrite_response options = {.close = exchange->client_closes, .dechunk = exchange->down.dechunk};
    char gateway[sizeof("http://") + HOST_NAME_MAX_LENGTH + sizeof(":65535")];
    struct wire wire, address = wire_of(gateway, sizeof(gateway));
    size_t room;

    if (session->mode == AUDIT_GATEWAY) {
        wire_put(&address, BYTES("http://"));
        wire_put(&address, exchange->request.host);
        options.gateway = bytes_of(gateway, address.size);
        options.host = bytes_of_string(exchange->operation.host->web);
        options.serves = is_served;
        options.serves_arg = exchange;
    }
    wire.data = stream_output_room(session->client, &room);
    wire = wire_of(wire.data, room);
    if (!rewrite_response(&exchange->response, &options, &wire)) {
        stream_commit(session->client, 0, false);
        if (!stream_output_empty(session->client)) {
            // exchange_client_output comes again; until then the head must stay where it is.
            stream_want_input(exchange->upstream->stream, false);
            return;
        }
        exchange_refuse_with(exchange, REASON_UPSTREAM_PROTOCOL, "the head of GitHub's answer is too large");
        return;
    }
    stream_commit(session->client, wire.size, false);
    exchange->status = exchange->response.status;
    exchange->answered = true;
    stream_consume(exchange->upstream->stream, exchange->response.size);
    stream_want_input(exchange->upstream->stream, true);
    exchange->response_state = RESPONSE_BODY;
    exchange_pump_response(exchange);
}

static void keep_request_id(struct exchange *exchange)
{
    struct bytes id = head_value(&exchange->response, FIELD_X_GITHUB_REQUEST_ID);

    if (id.size < sizeof(exchange->github_request_id)) {
        memcpy(exchange->github_request_id, id.data ? id.data : "", id.size);
        exchange->github_request_id[id.size] = '\0';
    }
}

// The repository has moved: git follows a redirect of its first request alone (http.followRedirects), and that one may
// have been answered with what was kept.
static void refuse_moved(struct exchange *exchange)
{
    struct bytes location = head_value(&exchange->response, FIELD_LOCATION);

    if (bytes_end_with(location, BYTES("/git-upload-pack")))
        location.size -= BYTES("/git-upload-pack").size;
    exchange_refuse_with(exchange, REASON_RENAMED, "GitHub answered %d: the repository is now at %.*s",
                         exchange->response.status, (int)location.size, location.data);
}

// GitHub's answer has begun: it is handed on, quoted, or costs another try.
static void on_head(struct exchange *exchange)
{
    const struct head *response = &exchange->response;
    int status = response->status;
    bool git_refused = is_git(exchange->operation.kind) && status >= 400;
    int64_t pause_ms;

    keep_request_id(exchange);
    exchange->upstream_closes = !response->keep_alive;
    exchange->down = (struct pump){0};
    body_from_response(&exchange->down.body, response, exchange->request.method);
    if (is_git(exchange->operation.kind) && status >= 300)
        exchange_forget_kept(exchange);
    if (status == 401) {
        on_unauthorized(exchange);
        return;
    }
    pause_ms = status == 403 && asks_for_refs(exchange->operation.kind) ? exchange_lag_pause(exchange) : 0;
    if (pause_ms > 0) {
        exchange_repeat(exchange, pause_ms, false);
        return;
    }
    if (exchange->operation.kind == OPERATION_FETCH && status >= 300 && status < 400) {
        refuse_moved(exchange);
        return;
    }
    if (git_refused) {
        begin_error(exchange);
        return;
    }
    exchange->down.dechunk = rewrite_must_dechunk(response, &exchange->request);
    if (exchange->down.dechunk || exchange->down.body.kind == BODY_UNTIL_CLOSE ||
        (status >= 300 && exchange->request_state != REQUEST_SENT))
        exchange->client_closes = true;
    exchange_copy_begin(exchange);
    exchange_pass_response(exchange);
}

// The connection broke before a byte of an answer.
static void on_lost(struct exchange *exchange)
{
    const char *failure = stream_failure(exchange->upstream->stream);
    bool reused = exchange->upstream->reused;

    if (exchange_may_repeat(exchange) && (reused || exchange->tries == 0))
        exchange_repeat(exchange, 0, false);
    else if (failure[0])
        exchange_refuse_with(exchange, REASON_UPSTREAM_LOST, "the connection to GitHub broke: %s", failure);
    else
        exchange_refuse_with(exchange, REASON_UPSTREAM_LOST, NULL);
}

static void read_head(struct exchange *exchange)
{
    struct stream *upstream = exchange->upstream->stream;
    size_t limit = exchange->runtime->config->limits.header;

    for (;;) {
        switch (head_parse_response(&exchange->response, stream_input(upstream), limit)) {
        case HEAD_MORE:
            if (stream_end(upstream) != STREAM_OPEN)
                on_lost(exchange);
            else if (stream_input_full(upstream))
                exchange_refuse_with(exchange, REASON_UPSTREAM_PROTOCOL, "the head of GitHub's answer is too large");
            return;
        case HEAD_BAD:
        case HEAD_TOO_LARGE:
            exchange_refuse_with(exchange, REASON_UPSTREAM_PROTOCOL, "GitHub's answer: %s", exchange->response.bad);
            return;
        case HEAD_DONE:
            break;
        }
        if (exchange->response.status >= 200) {
            on_head(exchange);
            return;
        }
        if (exchange->response.status == 101) {
            exchange_refuse_with(exchange, REASON_UPSTREAM_PROTOCOL, "GitHub changed the protocol unasked");
            return;
        }
        // An interim answer: 100 was given by us, hints (103) help none of the tools here.
        stream_consume(upstream, exchange->response.size);
        head_init(&exchange->response);
    }
}

static void on_passed(void *arg, struct bytes bytes, bool passed)
{
    struct exchange *exchange = arg;

    if (passed)
        exchange->bytes_down += bytes.size;
    exchange_copy(exchange, bytes);
}

// GitHub's answer is whole. What of the request it did not want to read is not sent, but git must get rid of it: where
// its connection breaks meanwhile, it shows nothing of the answer.
static void response_done(struct exchange *exchange)
{
    bool keep = exchange->request_state == REQUEST_SENT && !exchange->upstream_closes &&
                exchange->down.body.kind != BODY_UNTIL_CLOSE;
    bool drains = exchange->request_state != REQUEST_SENT && exchange_must_drain(exchange);

    exchange_copy_end(exchange);
    exchange->response_state = RESPONSE_DONE;
    exchange_release(exchange, keep);
    stream_flush(exchange->session->client);
    if (drains) {
        exchange->request_state = REQUEST_DRAIN;
        exchange_drain(exchange);
        return;
    }
    if (exchange->request_state != REQUEST_SENT)
        exchange->client_closes = true;
    exchange_finish(exchange);
}

void exchange_pump_response(struct exchange *exchange)
{
    struct stream *upstream = exchange->upstream->stream;

    switch (pump_run(&exchange->down, upstream, exchange->session->client, on_passed, exchange)) {
    case PUMP_SOURCE:
        stream_flush(exchange->session->client);
        break;
    case PUMP_SINK:
        break;
    case PUMP_DONE:
        response_done(exchange);
        break;
    case PUMP_BAD:
        session_close(exchange->session, REASON_UPSTREAM_PROTOCOL);
        break;
    case PUMP_TRUNCATED:
    case PUMP_STOPPED: // nothing checks it
        session_close(exchange->session, REASON_UPSTREAM_LOST);
        break;
    }
}

// GitHub's head was read and waits for room toward the client.
static bool head_waits(const struct exchange *exchange)
{
    return exchange->response.size > 0;
}

static void on_upstream_input(void *arg)
{
    struct exchange *exchange = arg;

    exchange_moved(exchange);
    switch (exchange->response_state) {
    case RESPONSE_NONE:
        exchange_replace_upstream(exchange); // it speaks, or goes, before it was asked
        break;
    case RESPONSE_HEAD:
        if (!head_waits(exchange))
            read_head(exchange);
        break;
    case RESPONSE_ERROR:
        read_error(exchange);
        break;
    case RESPONSE_BODY:
        exchange_pump_response(exchange);
        break;
    case RESPONSE_OWN:
    case RESPONSE_DONE:
        break;
    }
}

static void on_upstream_output(void *arg)
{
    struct exchange *exchange = arg;

    if (exchange->request_state == REQUEST_SEND)
        exchange_send(exchange);
}

const struct stream_callbacks exchange_upstream_callbacks = {
    .on_input = on_upstream_input,
    .on_output = on_upstream_output,
};

void exchange_client_output(struct exchange *exchange)
{
    exchange_moved(exchange);
    switch (exchange->response_state) {
    case RESPONSE_HEAD:
        if (head_waits(exchange))
            exchange_pass_response(exchange);
        break;
    case RESPONSE_BODY:
        exchange_pump_response(exchange);
        break;
    case RESPONSE_OWN:
        if (exchange->answered)
            exchange_send_answer(exchange);
        else if (exchange->request_state == REQUEST_DROPPED)
            exchange_answer(exchange);
        break;
    case RESPONSE_NONE:
    case RESPONSE_ERROR:
    case RESPONSE_DONE:
        break;
    }
}
