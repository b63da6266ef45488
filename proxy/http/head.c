#include "head.h"

// 18 digits are always below INT64_MAX, and an exabyte is more than any body has.
#define CONTENT_LENGTH_DIGITS_MAX 18

static enum head_result head_bad(struct head *head, const char *why)
{
    head->bad = why;
    return HEAD_BAD;
}

void head_init(struct head *head)
{
    memset(head, 0, offsetof(struct head, fields));
    head->content_length = -1;
}

struct bytes head_value(const struct head *head, enum field_id id)
{
    return head->count[id] ? head->fields[head->first[id]].value : bytes_of(NULL, 0);
}

// Where the start line begins: after an empty line, if there is one.
static size_t start_of(struct bytes input)
{
    return bytes_start_with(input, BYTES("\r\n")) ? 2 : 0;
}

// The line that ends with the LF at this offset has nothing before its CR.
static bool is_empty_line(const char *data, size_t feed)
{
    return feed == 1 || data[feed - 2] == '\n';
}

// Looks for the empty line that ends the head, a line at a time, from where the last search stopped.
static enum head_result find_end(struct head *head, struct bytes input, size_t limit, bool request)
{
    size_t window = input.size < limit ? input.size : limit;
    const char *data = input.data;
    const char *found;

    while (head->searched < window && (found = memchr(data + head->searched, '\n', window - head->searched))) {
        size_t feed = (size_t)(found - data);

        if (feed == 0 || data[feed - 1] != '\r')
            return head_bad(head, "a line that ends with LF alone");
        head->searched = feed + 1;
        if (!is_empty_line(data, feed) || (request && feed == 1))
            continue;
        if (feed == start_of(input) + 1 || feed == 1)
            return head_bad(head, "an empty start line");
        head->data = data;
        head->size = feed + 1;
        return HEAD_DONE;
    }
    head->searched = window;
    if (input.size < limit)
        return HEAD_MORE;
    head->bad = "the head is too large";
    return HEAD_TOO_LARGE;
}

static enum head_method method_of(struct bytes name)
{
    static const struct {
        struct bytes name;
        enum head_method method;
    } methods[] = {
        {BYTES("GET"), METHOD_GET},         {BYTES("POST"), METHOD_POST},       {BYTES("HEAD"), METHOD_HEAD},
        {BYTES("CONNECT"), METHOD_CONNECT}, {BYTES("PUT"), METHOD_PUT},         {BYTES("PATCH"), METHOD_PATCH},
        {BYTES("DELETE"), METHOD_DELETE},   {BYTES("OPTIONS"), METHOD_OPTIONS},
    };

    for (size_t i = 0; i < GL_ARRAY_SIZE(methods); i++) {
        if (bytes_equal(name, methods[i].name))
            return methods[i].method;
    }
    return METHOD_OTHER;
}

// The functions below read at a cursor within the head. They need no end: the head is known to end with an
// empty line, and none of them goes past a CR that it does not know to be followed by another byte.

// "HTTP/1.0" or "HTTP/1.1"; strncmp stops at the head's end, since that differs from what is looked for.
static bool read_version(const char **cursor, int *ret_minor)
{
    if (strncmp(*cursor, "HTTP/1.", 7) != 0 || ((*cursor)[7] != '0' && (*cursor)[7] != '1'))
        return false;
    *ret_minor = (*cursor)[7] - '0';
    *cursor += 8;
    return true;
}

static bool read_line_end(const char **cursor)
{
    if ((*cursor)[0] != '\r' || (*cursor)[1] != '\n')
        return false;
    *cursor += 2;
    return true;
}

static struct bytes head_read_token(const char **cursor)
{
    const char *begin = *cursor;

    while (field_is_token_byte(**cursor))
        (*cursor)++;
    return bytes_of(begin, (size_t)(*cursor - begin));
}

static struct bytes read_visible(const char **cursor)
{
    const char *begin = *cursor;

    while (**cursor > 0x20 && **cursor < 0x7f)
        (*cursor)++;
    return bytes_of(begin, (size_t)(*cursor - begin));
}

// RFC 9112, 3: method SP request-target SP HTTP-version CRLF.
static enum head_result read_request_line(struct head *head, const char **cursor)
{
    head->method_name = head_read_token(cursor);
    if (head->method_name.size == 0 || *(*cursor)++ != ' ')
        return head_bad(head, "the method is not a token followed by one space");
    head->method = method_of(head->method_name);
    head->target = read_visible(cursor);
    if (head->target.size == 0 || *(*cursor)++ != ' ')
        return head_bad(head, "the request target holds a byte that it may not, or is not followed by one space");
    if (!read_version(cursor, &head->minor) || !read_line_end(cursor))
        return head_bad(head, "the version is not HTTP/1.1 or HTTP/1.0");
    return HEAD_DONE;
}

// RFC 9112, 4: HTTP-version SP 3DIGIT SP [ reason-phrase ] CRLF. The second space may be missing, as with
// some servers whose reason phrase is empty: nothing else can be meant.
static enum head_result read_status_line(struct head *head, const char **cursor)
{
    const char *begin;

    if (!read_version(cursor, &head->minor) || *(*cursor)++ != ' ')
        return head_bad(head, "the version is not HTTP/1.1 or HTTP/1.0");
    for (int i = 0; i < 3; i++, (*cursor)++) {
        if (**cursor < '0' || **cursor > '9')
            return head_bad(head, "the status is not three digits");
        head->status = head->status * 10 + (**cursor - '0');
    }
    if (head->status < 100 || head->status > 599)
        return head_bad(head, "the status is not between 100 and 599");
    if (read_line_end(cursor))
        return HEAD_DONE;
    if (*(*cursor)++ != ' ')
        return head_bad(head, "the status is not three digits and a space");
    begin = *cursor;
    while (field_is_value_byte(**cursor))
        (*cursor)++;
    head->reason = bytes_of(begin, (size_t)(*cursor - begin));
    return read_line_end(cursor) ? HEAD_DONE : head_bad(head, "a control character in the reason phrase");
}

// RFC 9112, 5: field-name ":" OWS field-value OWS CRLF.
static enum head_result head_read_field(struct head *head, const char **cursor, struct head_field *field)
{
    const char *begin, *end;

    field->name = head_read_token(cursor);
    if (field->name.size == 0 && (**cursor == ' ' || **cursor == '\t'))
        return head_bad(head, "a line that is folded, or whitespace before the first field");
    if (field->name.size == 0 || *(*cursor)++ != ':')
        return head_bad(head, "a field name that is not a token followed by a colon");
    while (**cursor == ' ' || **cursor == '\t')
        (*cursor)++;
    begin = *cursor;
    while (field_is_value_byte(**cursor))
        (*cursor)++;
    end = *cursor;
    if (!read_line_end(cursor))
        return head_bad(head, "a control character in the value of a field");
    while (end > begin && (end[-1] == ' ' || end[-1] == '\t'))
        end--;
    field->value = bytes_of(begin, (size_t)(end - begin));
    field->id = field_id_of(field->name);
    field->hop_by_hop = false;
    return HEAD_DONE;
}

static bool parse_content_length(struct bytes value, int64_t *ret_length)
{
    int64_t length = 0;

    if (value.size == 0 || value.size > CONTENT_LENGTH_DIGITS_MAX)
        return false;
    for (size_t i = 0; i < value.size; i++) {
        if (value.data[i] < '0' || value.data[i] > '9')
            return false;
        length = length * 10 + (value.data[i] - '0');
    }
    *ret_length = length;
    return true;
}

static bool is_single(enum field_id id)
{
    return id == FIELD_HOST || id == FIELD_CONTENT_LENGTH || id == FIELD_TRANSFER_ENCODING ||
           id == FIELD_CONTENT_TYPE || id == FIELD_LOCATION || id == FIELD_ORIGIN;
}

// What a field says about the message.
static enum head_result note_field(struct head *head, const struct head_field *field)
{
    if (head->count[field->id]++ == 0)
        head->first[field->id] = (uint8_t)(field - head->fields);
    else if (is_single(field->id))
        return head_bad(head, "a field that may be there once is there twice");

    if (field->id == FIELD_CONTENT_LENGTH) {
        if (!parse_content_length(field->value, &head->content_length))
            return head_bad(head, "the Content-Length is not a number that a body can have");
    } else if (field->id == FIELD_TRANSFER_ENCODING) {
        if (head->minor == 0 || !bytes_equal_nocase(field->value, BYTES("chunked")))
            return head_bad(head, "a Transfer-Encoding other than chunked, or in HTTP/1.0");
        head->chunked = true;
    } else if (field->id == FIELD_HOST) {
        head->host = field->value;
    } else if (field->id == FIELD_EXPECT) {
        head->expect_continue = head->minor == 1 && bytes_equal_nocase(field->value, BYTES("100-continue"));
    }
    return HEAD_DONE;
}

static enum head_result head_read_fields(struct head *head, const char *cursor)
{
    enum head_result result = HEAD_DONE;

    while (*cursor != '\r' || cursor[1] != '\n') {
        struct head_field *field = &head->fields[head->field_count];

        if (head->field_count == HEAD_FIELDS_MAX) {
            head->bad = "more fields than are read";
            return HEAD_TOO_LARGE;
        }
        if ((result = head_read_field(head, &cursor, field)) != HEAD_DONE)
            return result;
        head->field_count++;
        if ((result = note_field(head, field)) != HEAD_DONE)
            return result;
    }
    return HEAD_DONE;
}

static void mark_hop_by_hop(struct head *head, struct bytes option)
{
    for (size_t i = 0; i < head->field_count; i++) {
        if (bytes_equal_nocase(head->fields[i].name, option))
            head->fields[i].hop_by_hop = true;
    }
}

static struct bytes trim(struct bytes text)
{
    while (text.size && (text.data[0] == ' ' || text.data[0] == '\t'))
        text = bytes_skip(text, 1);
    while (text.size && (text.data[text.size - 1] == ' ' || text.data[text.size - 1] == '\t'))
        text.size--;
    return text;
}

// RFC 9110, 7.6.1.
struct connection_options {
    size_t count;
    bool close;
    bool keep_alive;
};

static enum head_result read_options(struct head *head, struct bytes list, struct connection_options *options)
{
    while (list.size) {
        struct bytes option;

        (void)bytes_cut(list, ',', &option, &list);
        option = trim(option);
        for (size_t i = 0; i < option.size; i++) {
            if (!field_is_token_byte(option.data[i]))
                return head_bad(head, "a Connection option that is not a token");
        }
        if (++options->count > HEAD_CONNECTION_OPTIONS_MAX)
            return head_bad(head, "too many Connection options");
        options->close |= bytes_equal_nocase(option, BYTES("close"));
        options->keep_alive |= bytes_equal_nocase(option, BYTES("keep-alive"));
        mark_hop_by_hop(head, option);
    }
    return HEAD_DONE;
}

static enum head_result read_connections(struct head *head, struct connection_options *options)
{
    size_t left = head->count[FIELD_CONNECTION];

    for (size_t i = head->first[FIELD_CONNECTION]; left != 0; i++) {
        if (head->fields[i].id != FIELD_CONNECTION)
            continue;
        left--;
        if (read_options(head, head->fields[i].value, options) != HEAD_DONE)
            return HEAD_BAD;
    }
    return HEAD_DONE;
}

// What only the fields together say, in a request and in a response.
static enum head_result conclude(struct head *head, bool request)
{
    struct connection_options options = {0};

    if (head->chunked && head->content_length >= 0)
        return head_bad(head, "both Content-Length and Transfer-Encoding");
    if (read_connections(head, &options) != HEAD_DONE)
        return HEAD_BAD;
    // RFC 9112, 9.3: a proxy does not keep the connection of an HTTP/1.0 client.
    head->keep_alive = !options.close && (head->minor == 1 || (options.keep_alive && !request));
    return HEAD_DONE;
}

static enum head_result conclude_request(struct head *head)
{
    bool has_body = head->chunked || head->content_length > 0;

    if (head->minor == 1 && head->count[FIELD_HOST] == 0)
        return head_bad(head, "no Host");
    // RFC 9110, 7.2 has one where the target names no authority, as none here does: it would agree with any name.
    if (head->count[FIELD_HOST] && head->host.size == 0)
        return head_bad(head, "an empty Host");
    if (has_body && head->method == METHOD_CONNECT)
        return head_bad(head, "CONNECT with a body");
    // RFC 9110, 9.3.1: it has no meaning, and servers that pass over it would read it as the next request.
    if (has_body && (head->method == METHOD_GET || head->method == METHOD_HEAD))
        return head_bad(head, "GET or HEAD with a body");
    return conclude(head, true);
}

enum head_result head_parse_request(struct head *head, struct bytes input, size_t limit)
{
    enum head_result result;
    const char *cursor;

    // Who speaks TLS or something else here must not wait for its line to end.
    if (input.size && !field_is_token_byte(input.data[0]) && input.data[0] != '\r')
        return head_bad(head, "this is not HTTP");
    if ((result = find_end(head, input, limit, true)) != HEAD_DONE)
        return result;
    cursor = input.data + start_of(input);
    if ((result = read_request_line(head, &cursor)) != HEAD_DONE)
        return result;
    if ((result = head_read_fields(head, cursor)) != HEAD_DONE)
        return result;
    return conclude_request(head);
}

enum head_result head_parse_response(struct head *head, struct bytes input, size_t limit)
{
    enum head_result result;
    const char *cursor = input.data;

    if (input.size && input.data[0] != 'H')
        return head_bad(head, "this is not HTTP");
    if ((result = find_end(head, input, limit, false)) != HEAD_DONE)
        return result;
    if ((result = read_status_line(head, &cursor)) != HEAD_DONE)
        return result;
    if ((result = head_read_fields(head, cursor)) != HEAD_DONE)
        return result;
    return conclude(head, false);
}

// A view of what stood at `from`, now at `to`.
static void rebase(struct bytes *view, const char *from, const char *to)
{
    if (view->data)
        view->data = to + (view->data - from);
}

void head_copy(struct head *copy, char *room, const struct head *head, const char *data)
{
    // Fields that are not there are not copied.
    memcpy(copy, head, offsetof(struct head, fields) + head->field_count * sizeof(*head->fields));
    memcpy(room, data, head->size);
    copy->data = room;
    rebase(&copy->method_name, head->data, room);
    rebase(&copy->target, head->data, room);
    rebase(&copy->reason, head->data, room);
    rebase(&copy->host, head->data, room);
    for (size_t i = 0; i < copy->field_count; i++) {
        rebase(&copy->fields[i].name, head->data, room);
        rebase(&copy->fields[i].value, head->data, room);
    }
}
