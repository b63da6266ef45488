#include "host_name.h"

#include <arpa/inet.h>

static char host_name_lower(char byte)
{
    return byte >= 'A' && byte <= 'Z' ? (char)(byte | 0x20) : byte;
}

static bool host_name_is_digit(char byte)
{
    return byte >= '0' && byte <= '9';
}

// Letters, digits, `_`, and `-` between them.
static bool is_label(struct bytes label)
{
    if (label.size == 0 || label.size > HOST_NAME_LABEL_MAX)
        return false;
    for (size_t i = 0; i < label.size; i++) {
        char byte = host_name_lower(label.data[i]);
        bool inside = i != 0 && i != label.size - 1;

        if (!host_name_is_digit(byte) && !(byte >= 'a' && byte <= 'z') && byte != '_' && !(byte == '-' && inside))
            return false;
    }
    return true;
}

// Whether a resolver may take a name that ends with this label for an IPv4 address (inet_aton; WHATWG URL,
// "ends in a number"): decimal, octal or `0x` hexadecimal.
static bool is_numeric(struct bytes label)
{
    bool hex = label.size >= 2 && label.data[0] == '0' && host_name_lower(label.data[1]) == 'x';

    for (size_t i = hex ? 2 : 0; i < label.size; i++) {
        char byte = host_name_lower(label.data[i]);

        if (!host_name_is_digit(byte) && !(hex && byte >= 'a' && byte <= 'f'))
            return false;
    }
    return true;
}

static bool parse_ipv6(struct bytes text, struct host_name *ret_host)
{
    char copy[INET6_ADDRSTRLEN];
    struct in6_addr address;
    struct host_name host = {.kind = HOST_IPV6};

    if (text.size >= sizeof(copy) || memchr(text.data, '\0', text.size))
        return false;
    memcpy(copy, text.data, text.size);
    copy[text.size] = '\0';
    if (inet_pton(AF_INET6, copy, &address) != 1 || !inet_ntop(AF_INET6, &address, host.text, sizeof(host.text)))
        return false;
    host.size = strlen(host.text);
    *ret_host = host;
    return true;
}

bool host_name_parse(struct bytes text, struct host_name *ret_host)
{
    struct host_name host = {.kind = HOST_NAME};
    struct bytes rest, label = {0};
    struct in_addr address;
    bool more = true;

    if (text.size >= 2 && text.data[0] == '[' && text.data[text.size - 1] == ']')
        return parse_ipv6(bytes_of(text.data + 1, text.size - 2), ret_host);
    if (bytes_end_with(text, BYTES(".")))
        text.size--;
    if (text.size > HOST_NAME_MAX_LENGTH)
        return false;
    for (rest = text; more;) {
        more = bytes_cut(rest, '.', &label, &rest);
        if (!is_label(label))
            return false;
    }
    for (size_t i = 0; i < text.size; i++)
        host.text[i] = host_name_lower(text.data[i]);
    host.size = text.size;
    if (is_numeric(label)) {
        if (inet_pton(AF_INET, host.text, &address) != 1)
            return false;
        host.kind = HOST_IPV4;
    }
    *ret_host = host;
    return true;
}

static bool host_name_parse_port(struct bytes text, uint16_t *ret_port)
{
    uint32_t port = 0;

    if (text.size == 0 || text.size > 5 || text.data[0] == '0')
        return false;
    for (size_t i = 0; i < text.size; i++) {
        if (!host_name_is_digit(text.data[i]))
            return false;
        port = port * 10 + (uint32_t)(text.data[i] - '0');
    }
    if (port > UINT16_MAX)
        return false;
    *ret_port = (uint16_t)port;
    return true;
}

bool host_name_parse_authority(struct bytes text, uint16_t default_port, struct host_name *ret_host, uint16_t *ret_port)
{
    const char *bracket = text.size ? memchr(text.data, ']', text.size) : NULL;
    size_t literal = bracket ? (size_t)(bracket - text.data) + 1 : 0;
    struct bytes before, port_text;
    uint16_t port = default_port;
    bool has_port = bytes_cut(bytes_skip(text, literal), ':', &before, &port_text);

    if (has_port ? !host_name_parse_port(port_text, &port) : port == 0)
        return false;
    if (!host_name_parse(bytes_of(text.data, literal + before.size), ret_host))
        return false;
    *ret_port = port;
    return true;
}

bool host_name_equal(const struct host_name *a, const struct host_name *b)
{
    return a->kind == b->kind && bytes_equal(host_name_bytes(a), host_name_bytes(b));
}
