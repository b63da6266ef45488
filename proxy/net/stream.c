#include "stream.h"

#include <assert.h>
#include <event2/event.h>
#include <unistd.h>

#include "mem.h"
#include "stream_transport.h"

// A stream that filled its 64 KiB buffer so often without a pause carries a pack: from then on each buffer waits for a turn of
// the loop of its own, so that a small request beside it waits for one buffer, however many packs there are.
#define BULK_AFTER 4
// Bytes that are copied behind a waiting head, so that both leave in one record, rather than sent on their own.
#define JOIN_MAX ((size_t)8 * KIB)

static void on_read_event(evutil_socket_t fd, short what, void *arg);
static void on_write_event(evutil_socket_t fd, short what, void *arg);
static void on_stream_again(void *arg);
static void on_bulk(void *arg);

struct stream *stream_new(struct loop *loop, int fd, const struct stream_callbacks *callbacks, void *arg)
{
    struct stream *stream = mem_alloc_zero(1, sizeof(*stream));

    stream->loop = loop;
    stream->fd = fd;
    stream->transport = &transport_plain;
    stream->callbacks = callbacks;
    stream->arg = arg;
    event_assign(&stream->read_event, loop_event_base(loop), fd, EV_READ | EV_PERSIST, on_read_event, stream);
    event_assign(&stream->write_event, loop_event_base(loop), fd, EV_WRITE | EV_PERSIST, on_write_event, stream);
    timer_init(&stream->again, loop, on_stream_again, stream);
    deferred_init(&stream->bulk, on_bulk, stream);
    return stream;
}

static void stream_release(struct stream *stream)
{
    buffer_clear(&stream->input);
    buffer_clear(&stream->output);
    buffer_clear(&stream->early);
    SSL_free(stream->ssl);
    mem_free(stream);
}

void stream_free(struct stream *stream)
{
    if (!stream || stream->freed)
        return;
    stream->freed = true;
    event_del(&stream->read_event);
    event_del(&stream->write_event);
    timer_stop(&stream->again);
    deferred_cancel(&stream->bulk);
    if (!stream->shutdown_done && stream->tls == TLS_DONE)
        stream->transport->shutdown(stream);
    close(stream->fd);
    if (stream->depth == 0)
        stream_release(stream);
}

void stream_set_owner(struct stream *stream, const struct stream_callbacks *callbacks, void *arg)
{
    stream->callbacks = callbacks;
    stream->arg = arg;
}

// Calls the owner; false where it freed the stream.
static bool call(struct stream *stream, void (*callback)(void *arg))
{
    if (!callback)
        return true;
    stream->depth++;
    callback(stream->arg);
    stream->depth--;
    if (stream->freed && stream->depth == 0)
        stream_release(stream);
    else
        return !stream->freed;
    return false;
}

static void set_event(struct event *event, bool *is_on, bool on)
{
    if (*is_on == on)
        return;
    *is_on = on;
    if (on)
        event_add(event, NULL);
    else
        event_del(event);
}

static bool output_waits(const struct stream *stream)
{
    return stream->send_blocked || !buffer_empty(&stream->output);
}

static bool shutdown_waits(const struct stream *stream)
{
    return stream->shutdown_wanted && !stream->shutdown_done;
}

static bool may_read(const struct stream *stream)
{
    return stream->want_input && stream->end == STREAM_OPEN && buffer_free_size(&stream->input) > 0;
}

// Whether the stream carries a pack and more of it is there already.
static bool is_bulk(const struct stream *stream)
{
    return stream->full_reads >= BULK_AFTER && (!stream->socket_drained || stream->transport->pending(stream));
}

// Rule 1: what the socket is watched for follows from the state, here alone.
static void stream_update(struct stream *stream)
{
    bool read, write, bulk;

    if (stream->tls == TLS_HANDSHAKE) {
        read = stream->end == STREAM_OPEN && !stream->handshake_wants_write;
        write = stream->end == STREAM_OPEN && stream->handshake_wants_write;
    } else {
        read = may_read(stream);
        bulk = read && is_bulk(stream);
        if (bulk && stream->depth == 0)
            loop_queue_bulk(stream->loop, &stream->bulk);
        write = stream->end != STREAM_FAILED &&
                (output_waits(stream) || shutdown_waits(stream) || (read && stream->read_wants_write));
        read = read && !bulk;
        if (read && stream->depth == 0 && stream->transport->pending(stream) && !timer_pending(&stream->again))
            timer_start(&stream->again, 0);
    }
    set_event(&stream->read_event, &stream->reading, read);
    set_event(&stream->write_event, &stream->writing, write);
}

static void end_input(struct stream *stream, enum transport_result result)
{
    switch (result) {
    case TRANSPORT_CLOSED:
        stream->end = STREAM_CLOSED;
        break;
    case TRANSPORT_TRUNCATED:
        stream->end = STREAM_TRUNCATED;
        break;
    case TRANSPORT_FAILED:
        stream->end = STREAM_FAILED;
        break;
    case TRANSPORT_DONE:
    case TRANSPORT_AGAIN:
        break;
    }
}

// Reads until the buffer is full or the socket has no more; whether there is news for the owner.
static bool stream_fill(struct stream *stream)
{
    bool news = false;

    while (may_read(stream)) {
        size_t room, count = 0;
        char *at = buffer_room(&stream->input, &room);
        enum transport_result result = stream->transport->read(stream, at, room, &count);

        buffer_commit(&stream->input, count);
        if (result == TRANSPORT_DONE) {
            news = true;
            if (stream->socket_drained && !stream->transport->pending(stream))
                break;
        } else {
            end_input(stream, result);
            break;
        }
    }
    return news || (stream->end != STREAM_OPEN && !stream->end_told);
}

// Reads one buffer and hands it to the owner.
static void read_once(struct stream *stream)
{
    bool news = stream_fill(stream);

    if (!stream_input_full(stream))
        stream->full_reads = 0;
    else if (stream->full_reads < BULK_AFTER)
        stream->full_reads++;
    if (news) {
        stream->end_told = stream->end != STREAM_OPEN;
        if (!call(stream, stream->callbacks->on_input))
            return;
    }
    stream_update(stream);
}

static void on_bulk(void *arg)
{
    read_once(arg);
}

static void handshake(struct stream *stream)
{
    enum transport_result result = stream_handshake_step(stream);

    if (result == TRANSPORT_AGAIN) {
        stream_update(stream);
    } else if (result == TRANSPORT_DONE) {
        stream->tls = TLS_DONE;
        if (call(stream, stream->callbacks->on_handshake))
            stream_update(stream);
    } else {
        stream->end = STREAM_FAILED;
        stream->end_told = true;
        if (call(stream, stream->callbacks->on_input))
            stream_update(stream);
    }
}

static void on_read_event(evutil_socket_t fd, short what, void *arg)
{
    struct stream *stream = arg;

    if (stream->tls == TLS_HANDSHAKE)
        handshake(stream);
    else
        read_once(stream);
}

static void on_stream_again(void *arg)
{
    on_read_event(-1, 0, arg);
}

// A write failed. It ends the input too, and the owner learns it there, whichever end was reported before.
static void stream_fail(struct stream *stream)
{
    stream->end = STREAM_FAILED;
    stream->end_told = false;
}

// Sends what waits in the output buffer.
static void flush_output(struct stream *stream)
{
    struct bytes waiting;

    while ((waiting = buffer_data(&stream->output)).size > 0 && stream->end != STREAM_FAILED) {
        size_t count = 0;
        enum transport_result result = stream->transport->write(stream, waiting.data, waiting.size, &count);

        if (result == TRANSPORT_FAILED)
            stream_fail(stream);
        if (result != TRANSPORT_DONE)
            break;
        buffer_consume(&stream->output, count);
        stream->bytes_written += count;
    }
    if (shutdown_waits(stream) && !output_waits(stream))
        stream->shutdown_done = stream->transport->shutdown(stream);
}

// A failure that was met while writing is reported from the loop, never from inside the owner's call.
static void tell_failure_later(struct stream *stream)
{
    if (stream->end == STREAM_FAILED && !stream->end_told && !timer_pending(&stream->again))
        timer_start(&stream->again, 0);
}

static void on_write_event(evutil_socket_t fd, short what, void *arg)
{
    struct stream *stream = arg;

    if (stream->tls == TLS_HANDSHAKE) {
        handshake(stream);
        return;
    }
    flush_output(stream);
    if (buffer_empty(&stream->output) && stream->end != STREAM_FAILED) {
        stream->send_blocked = false;
        if (!call(stream, stream->callbacks->on_output))
            return;
    }
    if (stream->read_wants_write)
        read_once(stream);
    else
        stream_update(stream);
    tell_failure_later(stream);
}

void stream_start_tls(struct stream *stream, SSL *ssl)
{
    struct buffer none = {0};

    assert(stream->tls != TLS_HANDSHAKE && !stream->outer && buffer_empty(&stream->output));
    assert(stream->tls == TLS_NONE || buffer_empty(&stream->input));
    if (stream->tls == TLS_DONE) {
        stream->outer = stream->ssl;
    } else {
        stream->early = stream->input;
        stream->input = none;
    }
    stream->ssl = ssl;
    stream->tls = TLS_HANDSHAKE;
    stream->transport = &transport_tls;
    stream->handshake_wants_write = false;
    if (!(stream->outer ? stream_bio_nest(ssl, stream->outer) : stream_bio_attach(stream, ssl)))
        abort(); // out of memory
    timer_start(&stream->again, 0);
}

void stream_consume(struct stream *stream, size_t count)
{
    buffer_consume(&stream->input, count);
    if (stream->depth == 0)
        stream_update(stream);
}

void stream_want_input(struct stream *stream, bool want)
{
    stream->want_input = want;
    if (stream->depth == 0)
        stream_update(stream);
}

void stream_flush(struct stream *stream)
{
    flush_output(stream);
    tell_failure_later(stream);
    stream_update(stream);
}

size_t stream_send(struct stream *stream, struct bytes bytes)
{
    size_t taken = 0;

    if (!buffer_empty(&stream->output)) {
        if (bytes.size <= JOIN_MAX && buffer_append(&stream->output, bytes))
            taken = bytes.size;
        flush_output(stream);
    }
    while (taken < bytes.size && buffer_empty(&stream->output) && stream->end != STREAM_FAILED) {
        size_t count = 0;
        enum transport_result result = stream->transport->write(stream, bytes.data + taken, bytes.size - taken, &count);

        if (result == TRANSPORT_FAILED)
            stream_fail(stream);
        if (result != TRANSPORT_DONE)
            break;
        taken += count;
        stream->bytes_written += count;
    }
    stream->send_blocked = taken < bytes.size;
    tell_failure_later(stream);
    stream_update(stream);
    return taken;
}

bool stream_output_empty(const struct stream *stream)
{
    return buffer_empty(&stream->output) && !shutdown_waits(stream);
}

void stream_shutdown_output(struct stream *stream)
{
    stream->shutdown_wanted = true;
    stream_flush(stream);
}
