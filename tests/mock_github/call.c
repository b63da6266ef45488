#include "call.h"

#include <ctype.h>

static bool is_token(const char *name)
{
    if (!*name)
        return false;
    for (; *name; name++) {
        if (!isalnum((unsigned char)*name) && !strchr("!#$%&'*+-.^_`|~", *name))
            return false;
    }
    return true;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)tolower((unsigned char)c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

// Adds the decoded bytes and a NUL. `plus`: "+" stands for a space, as in a query.
static void decode(struct mock_text *out, struct bytes in, bool plus)
{
    for (size_t i = 0; i < in.size; i++) {
        char c = in.data[i];

        if (c == '%' && i + 2 < in.size && hex_digit(in.data[i + 1]) >= 0 && hex_digit(in.data[i + 2]) >= 0) {
            c = (char)(hex_digit(in.data[i + 1]) * 16 + hex_digit(in.data[i + 2]));
            i += 2;
        } else if (c == '+' && plus) {
            c = ' ';
        }
        mock_text_add(out, &c, 1);
    }
    mock_text_add(out, "", 1);
}

static bool split_path(struct call *call)
{
    struct bytes rest = bytes_of_string(call->path + 1);
    struct bytes segment;
    bool more = rest.size > 0;

    mock_text_reserve(&call->storage, 2 * strlen(call->path) + 2); // decoded text never moves
    while (more) {
        if (call->segment_count == CALL_SEGMENTS_MAX)
            return false;
        more = bytes_cut(rest, '/', &segment, &rest);
        call->segments[call->segment_count++] = call->storage.data + call->storage.size;
        decode(&call->storage, segment, false);
    }
    return true;
}

static bool split_target(struct call *call)
{
    const char *question;

    if (call->target[0] != '/')
        return false;
    question = strchr(call->target, '?');
    call->query = question ? question + 1 : "";
    call->path = mock_text_copy_bytes(
        bytes_of(call->target, question ? (size_t)(question - call->target) : strlen(call->target)));
    return split_path(call);
}

static bool take_request_line(struct call *call, char *line)
{
    char *target = strchr(line, ' ');
    char *version = target ? strchr(target + 1, ' ') : NULL;

    if (!version)
        return false;
    *target++ = '\0';
    *version++ = '\0';
    call->method = line;
    call->target = target;
    call->http10 = strcmp(version, "HTTP/1.0") == 0;
    return is_token(line) && (call->http10 || strcmp(version, "HTTP/1.1") == 0) && split_target(call);
}

static bool take_header(struct call *call, char *line)
{
    char *colon = strchr(line, ':');
    char *value;
    size_t size;

    if (!colon || call->header_count == CALL_HEADERS_MAX)
        return false;
    *colon = '\0';
    value = colon + 1 + strspn(colon + 1, " \t");
    size = strlen(value);
    while (size > 0 && (value[size - 1] == ' ' || value[size - 1] == '\t'))
        value[--size] = '\0';
    call->headers[call->header_count++] = (struct call_header){line, value};
    return is_token(line);
}

const char *call_header(const struct call *call, const char *name)
{
    for (size_t i = 0; i < call->header_count; i++) {
        if (strcasecmp(call->headers[i].name, name) == 0)
            return call->headers[i].value;
    }
    return NULL;
}

size_t call_header_count(const struct call *call, const char *name)
{
    size_t count = 0;

    for (size_t i = 0; i < call->header_count; i++)
        count += strcasecmp(call->headers[i].name, name) == 0;
    return count;
}

static bool decide_body(struct call *call, int *ret_status)
{
    const char *length = call_header(call, "Content-Length");
    const char *coding = call_header(call, "Transfer-Encoding");

    *ret_status = 400;
    if (call_header_count(call, "Content-Length") > 1 || (length && coding))
        return false;
    if (coding) {
        *ret_status = 501;
        call->body = CALL_BODY_CHUNKED;
        return strcasecmp(coding, "chunked") == 0 && !call->http10;
    }
    call->body_ended = true;
    if (length) {
        if (!*length || strspn(length, "0123456789") != strlen(length) || strlen(length) > 18)
            return false;
        call->body = CALL_BODY_LENGTH;
        call->body_left = strtoull(length, NULL, 10);
        call->body_ended = call->body_left == 0;
    }
    return true;
}

static void decide_connection(struct call *call)
{
    const char *connection = call_header(call, "Connection");
    const char *expect = call_header(call, "Expect");

    call->keep_alive = call->http10 ? connection && strcasestr(connection, "keep-alive")
                                    : !(connection && strcasestr(connection, "close"));
    call->continue_wanted = expect && strcasecmp(expect, "100-continue") == 0 && !call->body_ended;
}

// Reads lines up to the empty one into call->head, each ended by NUL.
static enum call_result receive_lines(struct call *call, size_t *ret_count)
{
    char *line;
    size_t size;
    bool malformed = false;

    for (*ret_count = 0;; (*ret_count)++) {
        if (!mock_wire_read_line(call->wire, &line, &size, &malformed))
            return malformed ? CALL_MALFORMED : CALL_ENDED;
        if (strlen(line) != size || memchr(line, '\r', size) || call->head.size + size > CALL_HEAD_MAX)
            return CALL_MALFORMED;
        if (size == 0 && *ret_count > 0)
            return CALL_READ;
        if (size == 0)
            return CALL_MALFORMED;
        mock_text_add(&call->head, line, size + 1);
    }
}

enum call_result call_receive(struct call *call, struct mock_wire *wire, int *ret_status, const char **ret_reason)
{
    size_t count;
    enum call_result result;
    char *line;

    *call = (struct call){.wire = wire};
    *ret_status = 400;
    *ret_reason = "The request is not well-formed.";
    result = receive_lines(call, &count);
    if (result != CALL_READ)
        return result;
    line = call->head.data;
    for (size_t i = 0; i < count; i++) {
        char *next = line + strlen(line) + 1;

        if (!(i == 0 ? take_request_line(call, line) : take_header(call, line)))
            return CALL_MALFORMED;
        line = next;
    }
    if (call_header_count(call, "Host") != 1 && !call->http10) {
        *ret_reason = "One Host is wanted.";
        return CALL_MALFORMED;
    }
    if (!decide_body(call, ret_status)) {
        *ret_reason = "The body's framing is not understood.";
        return CALL_MALFORMED;
    }
    decide_connection(call);
    return CALL_READ;
}

void call_free(struct call *call)
{
    mock_text_free(&call->head);
    mock_text_free(&call->storage);
    free(call->path);
}

char *call_query(const struct call *call, const char *name)
{
    struct bytes rest = bytes_of_string(call->query);
    struct bytes pair;
    struct bytes key;
    struct bytes value;
    struct mock_text decoded = {0};
    bool more = rest.size > 0;

    while (more) {
        more = bytes_cut(rest, '&', &pair, &rest);
        bytes_cut(pair, '=', &key, &value);
        if (bytes_equal(key, bytes_of_string(name))) {
            decode(&decoded, value, true);
            return decoded.data;
        }
    }
    return NULL;
}

char *call_path_from(const struct call *call, size_t segment)
{
    struct mock_text path = {0};

    for (size_t i = segment; i < call->segment_count; i++)
        mock_text_printf(&path, "%s%s", i > segment ? "/" : "", call->segments[i]);
    return path.data ? path.data : mock_text_copy("");
}

bool call_path_is(const struct call *call, size_t first, const char *pattern)
{
    struct bytes rest = bytes_skip(bytes_of_string(pattern), *pattern ? 1 : 0);
    struct bytes wanted;
    bool more = *pattern != '\0';
    size_t i = first;

    for (; more; i++) {
        more = bytes_cut(rest, '/', &wanted, &rest);
        if (bytes_equal(wanted, BYTES("**")))
            return i <= call->segment_count;
        if (i >= call->segment_count)
            return false;
        if (!bytes_equal(wanted, BYTES("*")) && !bytes_equal(wanted, bytes_of_string(call->segments[i])))
            return false;
    }
    return i == call->segment_count;
}

void call_skip_segments(struct call *call, size_t count)
{
    call->segment_count -= count;
    memmove(call->segments, call->segments + count, call->segment_count * sizeof(call->segments[0]));
    call->segments[call->segment_count] = NULL;
}
