// What a stream holds, looked at and added to: nothing here moves a byte.
#include "stream.h"
#include "stream_transport.h"

SSL *stream_ssl(const struct stream *stream)
{
    return stream->ssl;
}

const char *stream_failure(const struct stream *stream)
{
    return stream->failure ? stream->failure : "";
}

struct bytes stream_input(const struct stream *stream)
{
    return buffer_data(&stream->input);
}

void stream_mark_input_secret(struct stream *stream)
{
    buffer_mark_secret(&stream->input);
}

enum stream_end stream_end(const struct stream *stream)
{
    return stream->end;
}

bool stream_input_full(const struct stream *stream)
{
    return buffer_free_size(&stream->input) == 0;
}

bool stream_write(struct stream *stream, struct bytes bytes)
{
    return buffer_append(&stream->output, bytes);
}

char *stream_output_room(struct stream *stream, size_t *ret_size)
{
    return buffer_room(&stream->output, ret_size);
}

void stream_commit(struct stream *stream, size_t count, bool secret)
{
    buffer_commit(&stream->output, count);
    if (secret && count > 0)
        buffer_mark_secret(&stream->output);
}

uint64_t stream_bytes_written(const struct stream *stream)
{
    return stream->bytes_written;
}
