#include "answer.h"

struct bytes answer_phrase(int status)
{
    switch (status) {
    case 200:
        return BYTES("OK");
    case 301:
        return BYTES("Moved Permanently");
    case 400:
        return BYTES("Bad Request");
    case 401:
        return BYTES("Unauthorized");
    case 403:
        return BYTES("Forbidden");
    case 404:
        return BYTES("Not Found");
    case 405:
        return BYTES("Method Not Allowed");
    case 407:
        return BYTES("Proxy Authentication Required");
    case 408:
        return BYTES("Request Timeout");
    case 409:
        return BYTES("Conflict");
    case 413:
        return BYTES("Content Too Large");
    case 421:
        return BYTES("Misdirected Request");
    case 422:
        return BYTES("Unprocessable Content");
    case 429:
        return BYTES("Too Many Requests");
    case 431:
        return BYTES("Request Header Fields Too Large");
    case 500:
        return BYTES("Internal Server Error");
    case 502:
        return BYTES("Bad Gateway");
    case 503:
        return BYTES("Service Unavailable");
    }
    return BYTES("Unknown");
}

static void put_field_if_any(struct wire *out, struct bytes name, struct bytes value)
{
    if (value.size)
        wire_put_field(out, name, value);
}

static void put_status_line(struct wire *out, int status)
{
    wire_put(out, BYTES("HTTP/1.1 "));
    wire_put_number(out, (uint64_t)status);
    wire_put(out, BYTES(" "));
    wire_put(out, answer_phrase(status));
    wire_put(out, BYTES("\r\n"));
}

bool answer_write(const struct answer *answer, struct wire *out)
{
    put_status_line(out, answer->status);
    put_field_if_any(out, BYTES("Content-Type"), answer->content_type);
    if (answer->content_type.size)
        wire_put(out, BYTES("X-Content-Type-Options: nosniff\r\n"));
    wire_put_number_field(out, BYTES("Content-Length"), answer->body.size);
    wire_put(out, BYTES("Cache-Control: no-store\r\n"));
    if (answer->retry_after_s)
        wire_put_number_field(out, BYTES("Retry-After"), answer->retry_after_s);
    put_field_if_any(out, BYTES("Date"), answer->date);
    put_field_if_any(out, BYTES("Content-Security-Policy"), answer->content_security_policy);
    put_field_if_any(out, BYTES("Location"), answer->location);
    put_field_if_any(out, BYTES("Allow"), answer->allow);
    put_field_if_any(out, BYTES("Proxy-Authenticate"), answer->proxy_authenticate);
    put_field_if_any(out, BYTES("WWW-Authenticate"), answer->www_authenticate);
    put_field_if_any(out, BYTES("Gitlatch-Message"), answer->message);
    if (answer->close)
        wire_put(out, BYTES("Connection: close\r\n"));
    wire_put(out, BYTES("\r\n"));
    if (!answer->omit_body)
        wire_put(out, answer->body);
    return !out->full;
}
