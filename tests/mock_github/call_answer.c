#include "call.h"

#include <stdatomic.h>
#include <time.h>

#include <jansson.h>

#include "mock_setting.h"

static const struct {
    int status;
    const char *text;
} texts[] = {
    {200, "OK"},
    {201, "Created"},
    {202, "Accepted"},
    {204, "No Content"},
    {206, "Partial Content"},
    {301, "Moved Permanently"},
    {302, "Found"},
    {304, "Not Modified"},
    {307, "Temporary Redirect"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {409, "Conflict"},
    {413, "Payload Too Large"},
    {416, "Range Not Satisfiable"},
    {421, "Misdirected Request"},
    {422, "Unprocessable Entity"},
    {429, "Too Many Requests"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {502, "Bad Gateway"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
};

static const char *status_text(int status)
{
    for (size_t i = 0; i < GL_ARRAY_SIZE(texts); i++) {
        if (texts[i].status == status)
            return texts[i].text;
    }
    return "Status";
}

// The fields that every answer of GitHub has.
static void write_common_fields(struct call *call)
{
    static _Atomic uint64_t next_id = 0x10000;
    char line[256];
    char date[64];
    time_t now = (time_t)mock_setting_now();
    struct tm parts;
    uint64_t id = atomic_fetch_add(&next_id, 1);
    int size;

    gmtime_r(&now, &parts);
    strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S GMT", &parts);
    size = snprintf(line, sizeof(line),
                    "Server: github.com\r\nDate: %s\r\nX-GitHub-Request-Id: %04X:%06X:%06X:%06X:%08lX\r\n", date,
                    (unsigned)(call->wire->id & 0xffff), (unsigned)(id * 2654435761u & 0xffffff),
                    (unsigned)(id * 40503u & 0xffffff), (unsigned)(id & 0xffffff), (unsigned long)now);
    mock_wire_write(call->wire, line, (size_t)size);
}

static void write_framing(struct call *call, int64_t length)
{
    char line[128] = "";
    int size = 0;

    call->answer_chunked = length < 0 && !call->http10;
    if (length < 0 && call->http10)
        call->keep_alive = false;
    if (call->fault)
        length += length >= 0 ? call->fault->length_error : 0;
    if (call->status == 204 || call->status == 304)
        call->answer_chunked = false;
    else if (call->answer_chunked)
        size = snprintf(line, sizeof(line), "Transfer-Encoding: chunked\r\n");
    else if (length >= 0)
        size = snprintf(line, sizeof(line), "Content-Length: %lld\r\n", (long long)length);
    mock_wire_write(call->wire, line, (size_t)size);
    if (!call->keep_alive)
        mock_wire_write(call->wire, "Connection: close\r\n", 19);
    else if (call->http10)
        mock_wire_write(call->wire, "Connection: keep-alive\r\n", 24);
}

bool call_start(struct call *call, int status, const char *headers, int64_t length)
{
    char line[128];
    int size;

    if (call->answered)
        return false;
    call->answered = true;
    call->status = status;
    call->answer_bodiless = strcmp(call->method, "HEAD") == 0 || status == 204 || status == 304;
    size = snprintf(line, sizeof(line), "HTTP/1.1 %d %s\r\n", status, status_text(status));
    mock_wire_write(call->wire, line, (size_t)size);
    write_common_fields(call);
    mock_wire_write(call->wire, headers, strlen(headers));
    write_framing(call, length);
    return mock_wire_write(call->wire, "\r\n", 2);
}

static bool write_piece(struct call *call, const char *data, size_t size)
{
    char line[32];
    int line_size;

    if (size == 0)
        return !call->wire->broken;
    if (call->answer_chunked) {
        line_size = snprintf(line, sizeof(line), "%zx\r\n", size);
        mock_wire_write(call->wire, line, (size_t)line_size);
    }
    mock_wire_write(call->wire, data, size);
    if (call->answer_chunked)
        mock_wire_write(call->wire, "\r\n", 2);
    call->answer_size += size;
    return !call->wire->broken;
}

// The fault that cuts the answer or slows it.
static bool write_faulty(struct call *call, const struct fault *fault, const char *data, size_t size)
{
    while (size > 0 && !call->wire->broken) {
        size_t piece = fault->write_rate > 0 && size > 4096 ? 4096 : size;
        int64_t ns = fault->write_rate > 0 ? (int64_t)piece * 1000000000 / fault->write_rate : 0;
        struct timespec wait = {.tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000};

        if (fault->cut_after >= 0 && call->answer_size + piece >= (uint64_t)fault->cut_after) {
            write_piece(call, data, (size_t)fault->cut_after - call->answer_size);
            mock_wire_flush(call->wire);
            if (fault->reset)
                mock_wire_reset(call->wire);
            call->wire->broken = true;
            return false;
        }
        write_piece(call, data, piece);
        if (ns > 0) {
            mock_wire_flush(call->wire);
            nanosleep(&wait, NULL);
        }
        data += piece;
        size -= piece;
    }
    return !call->wire->broken;
}

bool call_write(struct call *call, const void *data, size_t size)
{
    if (call->answer_bodiless)
        return !call->wire->broken;
    if (call->fault && (call->fault->cut_after >= 0 || call->fault->write_rate > 0))
        return write_faulty(call, call->fault, data, size);
    return write_piece(call, data, size);
}

bool call_finish(struct call *call)
{
    if (call->answer_chunked && !call->answer_bodiless)
        mock_wire_write(call->wire, "0\r\n\r\n", 5);
    if (call->record)
        record_answer(call->record, call);
    return mock_wire_flush(call->wire);
}

bool call_answer(struct call *call, int status, const char *headers, const void *body, size_t size)
{
    return call_start(call, status, headers, (int64_t)size) && call_write(call, body, size) && call_finish(call);
}

bool call_answer_text(struct call *call, int status, const char *text)
{
    return call_answer(call, status, "Content-Type: text/plain; charset=utf-8\r\nCache-Control: no-cache\r\n", text,
                       strlen(text));
}

bool call_answer_json(struct call *call, int status, json_t *json)
{
    char *body = json_dumps(json, JSON_COMPACT | JSON_ENCODE_ANY);
    bool done = call_answer(call, status, "Content-Type: application/json; charset=utf-8\r\n", body, strlen(body));

    free(body);
    json_decref(json);
    return done;
}
