// What a stream does to its socket alone.
#include "stream.h"

#include <sys/socket.h>

#include "stream_transport.h"

void stream_abort(struct stream *stream)
{
    struct linger linger = {.l_onoff = 1, .l_linger = 0};

    setsockopt(stream->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
    stream->shutdown_done = true; // no close_notify: this is not an orderly end
}

int stream_fd(const struct stream *stream)
{
    return stream->fd;
}
