// The request's body: Content-Length or chunked (RFC 9112, section 7.1), streamed.
#include "call.h"

#include <time.h>

static bool malformed(struct call *call)
{
    call->wire->broken = true;
    return false;
}

// Takes a line of the body's framing.
static bool take_line(struct call *call, char **ret_line)
{
    size_t size;
    bool bare = false;

    return mock_wire_read_line(call->wire, ret_line, &size, &bare) ? true : malformed(call);
}

static bool skip_trailers(struct call *call)
{
    char *line;

    do {
        if (!take_line(call, &line))
            return false;
    } while (*line);
    call->body_ended = true;
    return true;
}

// Goes to the next chunk's first byte, or to the end.
static bool next_chunk(struct call *call)
{
    char *line;
    char *end;

    if (call->body_size > 0 && (!take_line(call, &line) || *line))
        return malformed(call);
    if (!take_line(call, &line))
        return false;
    if (strspn(line, "0123456789abcdefABCDEF") == 0 || strlen(line) > 1024)
        return malformed(call);
    call->body_left = strtoull(line, &end, 16);
    if (*end && *end != ';')
        return malformed(call);
    return call->body_left > 0 || skip_trailers(call);
}

// Keeps to `rate` bytes a second.
static void pace(int64_t rate, size_t size)
{
    int64_t ns = (int64_t)size * 1000000000 / rate;
    struct timespec wait = {.tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000};

    nanosleep(&wait, NULL);
}

static bool stop_early(struct call *call)
{
    const struct fault *fault = call->fault;

    if (!fault || fault->after_body < 0 || call->answered || call->body_size < (uint64_t)fault->after_body)
        return false;
    fault_answer(call);
    return true;
}

ssize_t call_read(struct call *call, char *buffer, size_t size)
{
    ssize_t count;

    if (stop_early(call))
        return -1;
    if (call->continue_wanted) {
        call->continue_wanted = false;
        mock_wire_write(call->wire, "HTTP/1.1 100 Continue\r\n\r\n", 25);
        mock_wire_flush(call->wire);
    }
    if (call->body == CALL_BODY_CHUNKED && !call->body_ended && call->body_left == 0 && !next_chunk(call))
        return -1;
    if (call->body_ended)
        return 0;
    if (size > call->body_left)
        size = (size_t)call->body_left;
    if (call->fault && call->fault->read_rate > 0 && size > 4096)
        size = 4096;
    count = mock_wire_read(call->wire, buffer, size);
    if (count <= 0) {
        malformed(call);
        return -1;
    }
    call->body_left -= (uint64_t)count;
    call->body_size += (uint64_t)count;
    if (call->body == CALL_BODY_LENGTH && call->body_left == 0)
        call->body_ended = true;
    if (call->fault && call->fault->read_rate > 0)
        pace(call->fault->read_rate, (size_t)count);
    return count;
}

bool call_read_all(struct call *call, struct mock_text *body)
{
    ssize_t count;

    do {
        count = call_read(call, mock_text_reserve(body, 16 * KIB), 16 * KIB);
        if (count > 0)
            body->size += (size_t)count;
    } while (count > 0 && body->size <= CALL_BODY_MAX);
    mock_text_add(body, "", 0);
    return count == 0;
}

bool call_drain(struct call *call)
{
    char *waste;
    ssize_t count;

    if (call->body_ended)
        return true;
    // A client that waits for 100 and got its answer sends no body: what follows is not to be known.
    if (call->continue_wanted && call->answered)
        return false;
    waste = mock_text_allocate(WIRE_BUFFER_SIZE);
    do
        count = call_read(call, waste, WIRE_BUFFER_SIZE);
    while (count > 0);
    free(waste);
    return count == 0;
}
