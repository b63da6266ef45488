#include "mock_wire.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <openssl/err.h>

#include "mock_text.h"

void mock_wire_init(struct mock_wire *wire, int fd, SSL *tls, uint64_t id)
{
    *wire = (struct mock_wire){.fd = fd, .tls = tls, .id = id};
    wire->in = mock_text_allocate(WIRE_BUFFER_SIZE);
    wire->out = mock_text_allocate(WIRE_BUFFER_SIZE);
}

static void let_go(struct mock_wire *wire)
{
    SSL_free(wire->tls);
    ERR_clear_error();
    if (wire->fd >= 0)
        close(wire->fd);
    free(wire->in);
    free(wire->out);
    *wire = (struct mock_wire){.fd = -1, .broken = true};
}

void mock_wire_close(struct mock_wire *wire)
{
    mock_wire_flush(wire);
    if (!wire->broken && wire->tls)
        SSL_shutdown(wire->tls);
    let_go(wire);
}

void mock_wire_reset(struct mock_wire *wire)
{
    struct linger linger = {.l_onoff = 1, .l_linger = 0};

    setsockopt(wire->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
    if (wire->tls)
        SSL_set_quiet_shutdown(wire->tls, 1);
    let_go(wire);
}

// After a read that gave nothing: a goodbye of the peer, or the idle time is over.
static bool ended_well(const SSL *tls)
{
    int reason = SSL_get_error(tls, 0);

    return reason == SSL_ERROR_ZERO_RETURN || reason == SSL_ERROR_WANT_READ;
}

// Reads from the network itself; same outcome as mock_wire_read.
static ssize_t receive(struct mock_wire *wire, char *buffer, size_t size)
{
    size_t got = 0;
    ssize_t count;

    if (wire->broken)
        return -1;
    if (!wire->tls) {
        do
            count = read(wire->fd, buffer, size);
        while (count < 0 && errno == EINTR);
        if (count < 0 && errno == EAGAIN)
            count = 0;
    } else {
        ERR_clear_error();
        if (SSL_read_ex(wire->tls, buffer, size, &got) == 1)
            count = (ssize_t)got;
        else
            count = ended_well(wire->tls) ? 0 : -1;
    }
    if (count < 0)
        wire->broken = true;
    return count;
}

ssize_t mock_wire_read(struct mock_wire *wire, char *buffer, size_t size)
{
    size_t there = wire->in_end - wire->in_start;

    if (there == 0)
        return receive(wire, buffer, size);
    if (size > there)
        size = there;
    memcpy(buffer, wire->in + wire->in_start, size);
    wire->in_start += size;
    return (ssize_t)size;
}

// Takes more bytes into the buffer behind those that are there.
static bool fill(struct mock_wire *wire)
{
    ssize_t count;

    if (wire->in_start > 0) {
        memmove(wire->in, wire->in + wire->in_start, wire->in_end - wire->in_start);
        wire->in_end -= wire->in_start;
        wire->in_start = 0;
    }
    if (wire->in_end == WIRE_BUFFER_SIZE)
        return false;
    count = receive(wire, wire->in + wire->in_end, WIRE_BUFFER_SIZE - wire->in_end);
    if (count <= 0)
        return false;
    wire->in_end += (size_t)count;
    return true;
}

bool mock_wire_read_line(struct mock_wire *wire, char **ret_line, size_t *ret_size, bool *ret_malformed)
{
    size_t seen = 0;
    char *start;
    char *end;

    for (;;) {
        start = wire->in + wire->in_start;
        end = wire->in ? memchr(start + seen, '\n', wire->in_end - wire->in_start - seen) : NULL;
        if (end)
            break;
        seen = wire->in_end - wire->in_start;
        if (!fill(wire)) {
            *ret_malformed = wire->in_end == WIRE_BUFFER_SIZE;
            return false;
        }
    }
    wire->in_start = (size_t)(end + 1 - wire->in);
    if (end == start || end[-1] != '\r') {
        *ret_malformed = true;
        return false;
    }
    end[-1] = '\0';
    *ret_line = start;
    *ret_size = (size_t)(end - 1 - start);
    return true;
}

static bool send_all(struct mock_wire *wire, const char *data, size_t size)
{
    while (size > 0 && !wire->broken) {
        size_t done = 0;

        if (!wire->tls) {
            ssize_t count = send(wire->fd, data, size, MSG_NOSIGNAL);

            if (count < 0 && errno == EINTR)
                continue;
            wire->broken = count < 0;
            done = count > 0 ? (size_t)count : 0;
        } else {
            ERR_clear_error();
            wire->broken = SSL_write_ex(wire->tls, data, size, &done) != 1;
        }
        data += done;
        size -= done;
    }
    return !wire->broken;
}

bool mock_wire_flush(struct mock_wire *wire)
{
    size_t size = wire->out_size;

    wire->out_size = 0;
    return size == 0 ? !wire->broken : send_all(wire, wire->out, size);
}

bool mock_wire_write(struct mock_wire *wire, const void *data, size_t size)
{
    if (wire->broken)
        return false;
    if (wire->out_size + size > WIRE_BUFFER_SIZE && !mock_wire_flush(wire))
        return false;
    if (size > WIRE_BUFFER_SIZE / 2)
        return mock_wire_flush(wire) && send_all(wire, data, size);
    memcpy(wire->out + wire->out_size, data, size);
    wire->out_size += size;
    return true;
}

void mock_wire_linger(struct mock_wire *wire, unsigned seconds)
{
    time_t until = time(NULL) + (time_t)seconds;
    struct pollfd ready = {.fd = wire->fd, .events = POLLIN};
    char waste[4096];

    mock_wire_flush(wire);
    while (!wire->broken && time(NULL) < until) {
        if (poll(&ready, 1, 200) > 0 && read(wire->fd, waste, sizeof(waste)) <= 0)
            wire->broken = true;
    }
}
