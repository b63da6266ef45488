#include "download.h"

#include <string.h>

#include "rewrite.h"
#include "stream.h"
#include "wire.h"

void download_init(struct download *download)
{
    memset(download, 0, sizeof(*download));
}

void download_clear(struct download *download)
{
    quote_clear(&download->quote);
    text_free(&download->copy);
}

static void begin_answer(struct download *download, const struct head *answer, const struct request *request)
{
    download->answer = answer;
    download->pump = (struct pump){0};
    body_from_response(&download->pump.body, answer, request->head.method);
}

void download_begin(struct download *download, const struct head *answer, const struct request *request, bool close,
                    size_t copy_max)
{
    begin_answer(download, answer, request);
    download->pump.dechunk = rewrite_must_dechunk(answer, &request->head);
    download->close = close || download->pump.dechunk || download->pump.body.kind == BODY_UNTIL_CLOSE;
    download->copied = download->pump.body;
    download->copy_max = copy_max;
}

static bool is_served_host(const void *arg, const struct host_name *host, uint16_t port)
{
    const struct client *client = arg;
    enum github_endpoint endpoint;

    return runtime_find_host(client->runtime, host, port, &endpoint) != NULL;
}

// Writes the head to the client. False: it does not fit into what is free of its output.
static bool write_answer_head(struct download *download, const struct client *client, const struct request *request)
{
    struct rewrite_response options = {.close = download->close, .dechunk = download->pump.dechunk};
    char gateway[sizeof("http://") + HOST_NAME_MAX_LENGTH + sizeof(":65535")];
    struct wire wire, address = wire_of(gateway, sizeof(gateway));
    size_t room;
    bool fits;

    if (client->mode == AUDIT_GATEWAY) {
        wire_put(&address, BYTES("http://"));
        wire_put(&address, request->head.host);
        options.gateway = bytes_of(gateway, address.size);
        options.host = bytes_of_string(request->operation.host->web);
        options.serves = is_served_host;
        options.serves_arg = client;
    }
    wire.data = stream_output_room(client->stream, &room);
    wire = wire_of(wire.data, room);
    fits = rewrite_response(download->answer, &options, &wire);
    stream_commit(client->stream, fits ? wire.size : 0, false);
    return fits;
}

static enum download_result pass_head(struct download *download, struct stream *upstream, const struct client *client,
                                      const struct request *request)
{
    if (!write_answer_head(download, client, request)) {
        if (stream_output_empty(client->stream))
            return DOWNLOAD_TOO_LARGE;
        stream_want_input(upstream, false); // until the client takes more, the head must stay where it is
        return DOWNLOAD_MORE;
    }
    download->head_passed = true;
    stream_consume(upstream, download->answer->size);
    stream_want_input(upstream, true);
    return DOWNLOAD_DONE;
}

static void copy_stretch(struct download *download, struct bytes raw)
{
    struct text *copy = &download->copy;

    while (raw.size > 0 && copy->size < download->copy_max) {
        size_t room = download->copy_max - copy->size, used;
        struct bytes data;
        enum body_result result = body_next_data(&download->copied, raw, &used, &data);

        text_append_bytes(copy, bytes_of(data.data, data.size < room ? data.size : room));
        if (result != BODY_MORE)
            return;
        raw = bytes_skip(raw, used);
    }
}

static void on_download_passed(void *arg, struct bytes bytes, bool passed)
{
    struct download *download = arg;

    if (passed)
        download->bytes += bytes.size;
    copy_stretch(download, bytes);
}

enum download_result download_run(struct download *download, struct stream *upstream, const struct client *client,
                                  const struct request *request)
{
    if (!download->head_passed) {
        enum download_result result = pass_head(download, upstream, client, request);

        if (result != DOWNLOAD_DONE)
            return result;
    }
    switch (pump_run(&download->pump, upstream, client->stream, on_download_passed, download)) {
    case PUMP_SOURCE:
        stream_flush(client->stream);
        break;
    case PUMP_SINK:
        break;
    case PUMP_DONE:
        return DOWNLOAD_DONE;
    case PUMP_BAD:
        return DOWNLOAD_MALFORMED;
    case PUMP_TRUNCATED:
    case PUMP_STOPPED: // nothing checks it
        return DOWNLOAD_LOST;
    }
    return DOWNLOAD_MORE;
}

bool download_is_stuck(const struct download *download)
{
    return !download->head_passed || download->pump.pass > 0;
}

bool download_keeps_upstream(const struct download *download)
{
    return download->answer->keep_alive && download->pump.body.kind != BODY_UNTIL_CLOSE;
}

void download_begin_quote(struct download *download, struct stream *upstream, const struct head *answer,
                          const struct request *request, struct wall now)
{
    begin_answer(download, answer, request);
    download->pump.dechunk = true;
    quote_begin(&download->quote, answer, now);
    stream_consume(upstream, answer->size);
}

void download_begin_whole(struct download *download, struct stream *upstream, const struct head *answer,
                          const struct request *request, size_t max)
{
    begin_answer(download, answer, request);
    download->pump.dechunk = true;
    quote_begin_whole(&download->quote, answer, (struct wall){0}, max);
    stream_consume(upstream, answer->size);
}

static void on_quoted(void *arg, struct bytes bytes, bool passed)
{
    struct download *download = arg;

    if (passed)
        quote_add(&download->quote, bytes);
}

enum download_result download_read_quote(struct download *download, struct stream *upstream)
{
    enum pump_result result = pump_drain(&download->pump, upstream, on_quoted, download);

    return result == PUMP_SOURCE && !quote_is_full(&download->quote) ? DOWNLOAD_MORE : DOWNLOAD_DONE;
}

void download_begin_held(struct download *download, struct stream *upstream, const struct head *answer,
                         const struct request *request, size_t size_max)
{
    begin_answer(download, answer, request);
    download->pump.dechunk = true;
    download->copy_max = size_max;
    stream_consume(upstream, answer->size);
}

static void on_held(void *arg, struct bytes bytes, bool passed)
{
    struct download *download = arg;
    size_t room = download->copy_max - download->copy.size;

    if (passed)
        text_append_bytes(&download->copy, bytes_of(bytes.data, bytes.size < room ? bytes.size : room));
}

enum download_result download_read_held(struct download *download, struct stream *upstream, struct budget_share *budget)
{
    size_t before = download->copy.size;
    enum pump_result result = pump_drain(&download->pump, upstream, on_held, download);

    if (!budget_hold(budget, download->copy.size - before))
        return DOWNLOAD_TOO_LARGE;
    if (result == PUMP_DONE || download->copy.size >= download->copy_max)
        return DOWNLOAD_DONE;
    if (result == PUMP_SOURCE)
        return DOWNLOAD_MORE;
    return result == PUMP_BAD ? DOWNLOAD_MALFORMED : DOWNLOAD_LOST;
}
