// What a fault does to the call that it hit.
#include "fault.h"

#include <time.h>

#include "call.h"

// A hung call ends when its client gives up, or after this time: longer than any limit of gitlatch's.
#define HANG_SECONDS 3600

// Filler for bodies of a given size.
static void write_filler(struct call *call, int64_t size)
{
    char *block = mock_text_allocate(WIRE_BUFFER_SIZE);

    memset(block, 'x', WIRE_BUFFER_SIZE);
    while (size > 0) {
        size_t piece = size > (int64_t)WIRE_BUFFER_SIZE ? WIRE_BUFFER_SIZE : (size_t)size;

        if (!call_write(call, block, piece))
            break;
        size -= (int64_t)piece;
    }
    free(block);
}

static void answer_status(struct call *call, const struct fault *fault)
{
    const char *body = fault->body ? fault->body : "";
    const char *type = "Content-Type: application/json; charset=utf-8\r\n";
    bool own_type = fault->headers && strcasestr(fault->headers, "content-type:");
    char *headers = mock_text_format("%s%s", own_type ? "" : type, fault->headers ? fault->headers : "");
    int64_t size = fault->size > 0 ? fault->size : (int64_t)strlen(body);

    if (fault->close)
        call->keep_alive = false;
    if (call_start(call, fault->status, headers, size)) {
        if (fault->size > 0)
            write_filler(call, size);
        else
            call_write(call, body, (size_t)size);
        call_finish(call);
    }
    free(headers);
}

void fault_answer(struct call *call)
{
    const struct fault *fault = call->fault;

    if (fault->status > 0) {
        answer_status(call, fault);
    } else if (fault->raw) {
        call->answered = true;
        mock_wire_write(call->wire, fault->raw, strlen(fault->raw));
        mock_wire_close(call->wire);
    } else if (fault->hang) {
        mock_wire_linger(call->wire, HANG_SECONDS);
        call->wire->broken = true;
    }
    if (call->wire->fd >= 0 && fault->cut_after < 0) {
        if (fault->reset)
            mock_wire_reset(call->wire);
        else if (fault->close)
            mock_wire_close(call->wire);
    }
}

bool fault_play(struct call *call)
{
    const struct fault *fault = call->fault;
    struct timespec wait = {.tv_sec = fault->delay_ms / 1000, .tv_nsec = fault->delay_ms % 1000 * 1000000};
    bool whole = fault->status == 0 && !fault->raw && !fault->hang && !fault->reset && !fault->close;

    if (fault->delay_ms > 0)
        nanosleep(&wait, NULL);
    if (fault->swallow)
        call_drain(call);
    if (whole || fault->after_body >= 0 || (fault->cut_after >= 0 && fault->status == 0))
        return false;
    fault_answer(call);
    return true;
}
