#include "rewrite.h"

#include "query.h"

#define HTTPS_PORT 443

// Connection-bound fields (RFC 9110, 7.6.1) and those that this module writes itself. The name "Close" is
// reserved, since `Connection: close` would name it.
#define OWN_FIELDS                                                                                                     \
    [FIELD_CLOSE] = true, [FIELD_CONNECTION] = true, [FIELD_CONTENT_LENGTH] = true, [FIELD_KEEP_ALIVE] = true,         \
    [FIELD_PROXY_AUTHENTICATE] = true, [FIELD_PROXY_AUTHORIZATION] = true, [FIELD_PROXY_OTHER] = true,                 \
    [FIELD_TE] = true, [FIELD_TRAILER] = true, [FIELD_TRANSFER_ENCODING] = true, [FIELD_UPGRADE] = true

// GitLab takes a credential in `Private-Token`, `Job-Token` and `Deploy-Token` as well (its API documents, "Authentication").
static const bool request_drops[FIELD_ID_COUNT] = {
    OWN_FIELDS,
    [FIELD_AUTHORIZATION] = true,
    [FIELD_COOKIE] = true,
    [FIELD_DEPLOY_TOKEN] = true,
    [FIELD_EXPECT] = true,
    [FIELD_FORWARDED] = true,
    [FIELD_HOST] = true,
    [FIELD_JOB_TOKEN] = true,
    [FIELD_PRIVATE_TOKEN] = true,
    [FIELD_VIA] = true,
    [FIELD_X_FORWARDED] = true,
    [FIELD_X_HTTP_METHOD] = true,
    [FIELD_X_HTTP_METHOD_OVERRIDE] = true,
    [FIELD_X_METHOD_OVERRIDE] = true,
    [FIELD_X_ORIGINAL_URL] = true,
    [FIELD_X_REAL_IP] = true,
    [FIELD_X_REWRITE_URL] = true,
};

static const bool response_drops[FIELD_ID_COUNT] = {
    OWN_FIELDS,
    [FIELD_ALT_SVC] = true,
    [FIELD_SET_COOKIE] = true,
};

// Longer than every name of FIELD_LIST, and than the beginning that names a family.
#define KNOWN_NAME_SIZE 32

// Whether a name is written with `_` where a known one has `-`: CGI and Rack take both for the same.
static bool is_disguised(const struct head_field *field)
{
    struct bytes name = field->name;
    char plain[KNOWN_NAME_SIZE];

    if (field->id != FIELD_OTHER || !memchr(name.data, '_', name.size))
        return false;
    name.size = name.size < sizeof(plain) ? name.size : sizeof(plain);
    for (size_t i = 0; i < name.size; i++)
        plain[i] = name.data[i] == '_' ? '-' : name.data[i];
    return field_id_of(bytes_of(plain, name.size)) != FIELD_OTHER;
}

static void put_field(struct wire *out, const struct head_field *field)
{
    wire_put_field(out, field->name, field->value);
}

static void put_framing(struct wire *out, const struct head *head)
{
    if (head->chunked)
        wire_put(out, BYTES("Transfer-Encoding: chunked\r\n"));
    else if (head->content_length >= 0)
        wire_put_number_field(out, BYTES("Content-Length"), (uint64_t)head->content_length);
}

static void put_request_line(struct wire *out, struct bytes method, const struct target *target)
{
    wire_put(out, method);
    wire_put(out, BYTES(" "));
    if (target->form == TARGET_ASTERISK) {
        wire_put(out, BYTES("*"));
    } else {
        wire_put(out, target->path);
        if (target->has_query)
            query_put(out, target->query);
    }
    wire_put(out, BYTES(" HTTP/1.1\r\n"));
}

bool rewrite_request(const struct head *head, const struct rewrite_request *options, struct wire *out)
{
    put_request_line(out, head->method_name, options->target);
    wire_put_field(out, BYTES("Host"), options->host);
    for (size_t i = 0; i < head->field_count; i++) {
        const struct head_field *field = &head->fields[i];

        if (!request_drops[field->id] && !field->hop_by_hop && !is_disguised(field))
            put_field(out, field);
    }
    put_framing(out, head);
    if (options->authorization.size)
        wire_put_field(out, BYTES("Authorization"), options->authorization);
    wire_put(out, BYTES("\r\n"));
    return !out->full;
}

static bool skip_nocase(struct bytes *text, struct bytes prefix)
{
    if (text->size < prefix.size || !bytes_equal_nocase(bytes_of(text->data, prefix.size), prefix))
        return false;
    *text = bytes_skip(*text, prefix.size);
    return true;
}

static size_t authority_size(struct bytes text)
{
    size_t size = 0;

    while (size < text.size && text.data[size] != '/' && text.data[size] != '?' && text.data[size] != '#')
        size++;
    return size;
}

// Whether an absolute Location leads to a host that the gateway serves; the host, its port (0: 443), and what follows it.
static bool leads_to_served(const struct rewrite_response *options, struct bytes location, struct host_name *ret_host,
                            uint16_t *ret_port, struct bytes *ret_rest)
{
    bool http = skip_nocase(&location, BYTES("http://"));
    bool absolute = http || skip_nocase(&location, BYTES("https://")) || skip_nocase(&location, BYTES("//"));
    uint16_t default_port = http ? 80 : HTTPS_PORT;
    size_t size = authority_size(location);
    struct host_name host;
    uint16_t port;

    if (!absolute || !host_name_parse_authority(bytes_of(location.data, size), default_port, &host, &port) ||
        (http && port != default_port) || !options->serves(options->serves_arg, &host, http ? HTTPS_PORT : port))
        return false;
    *ret_host = host;
    *ret_port = http || port == HTTPS_PORT ? 0 : port;
    *ret_rest = bytes_skip(location, size);
    return true;
}

// RFC 9110, 10.2.2: a Location that is a path means the request's own host.
static void put_location(struct wire *out, const struct head_field *field, const struct rewrite_response *options)
{
    struct bytes host = options->host;
    struct bytes rest = field->value;
    struct host_name other;
    uint16_t port = 0;

    if (leads_to_served(options, field->value, &other, &port, &rest)) {
        host = host_name_bytes(&other);
    } else if (!bytes_start_with(field->value, BYTES("/")) || bytes_start_with(field->value, BYTES("//"))) {
        put_field(out, field);
        return;
    }
    wire_put(out, field->name);
    wire_put(out, BYTES(": "));
    wire_put(out, options->gateway);
    wire_put(out, BYTES("/"));
    wire_put(out, host);
    if (port) {
        wire_put(out, BYTES(":"));
        wire_put_number(out, port);
    }
    wire_put(out, rest);
    wire_put(out, BYTES("\r\n"));
}

static void put_response_field(struct wire *out, const struct head_field *field, const struct rewrite_response *options)
{
    bool gateway = options->gateway.size != 0;

    if (response_drops[field->id] || field->hop_by_hop)
        return;
    if (gateway && field->id == FIELD_STRICT_TRANSPORT_SECURITY)
        return;
    if (options->replaced && field->id == FIELD_CONTENT_ENCODING)
        return;
    if (gateway && field->id == FIELD_LOCATION)
        put_location(out, field, options);
    else
        put_field(out, field);
}

bool rewrite_must_dechunk(const struct head *response, const struct head *request)
{
    return response->chunked && request->minor == 0;
}

bool rewrite_response(const struct head *head, const struct rewrite_response *options, struct wire *out)
{
    wire_put(out, BYTES("HTTP/1.1 "));
    wire_put_number(out, (uint64_t)head->status);
    wire_put(out, BYTES(" "));
    wire_put(out, head->reason);
    wire_put(out, BYTES("\r\n"));
    for (size_t i = 0; i < head->field_count; i++)
        put_response_field(out, &head->fields[i], options);
    // RFC 9110, 8.6 and RFC 9112, 6.1: no framing field in 1xx and 204.
    if (options->replaced)
        wire_put_number_field(out, BYTES("Content-Length"), options->size);
    else if (head->status >= 200 && head->status != 204 && !options->dechunk)
        put_framing(out, head);
    if (head->status >= 200 && options->close)
        wire_put(out, BYTES("Connection: close\r\n"));
    wire_put(out, BYTES("\r\n"));
    return !out->full;
}
