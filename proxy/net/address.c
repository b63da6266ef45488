#include "address.h"

#include <arpa/inet.h>

struct range {
    uint8_t prefix[16];
    unsigned bits;
    enum address_kind kind;
};

// The first that matches decides, so the narrower stand first.
static const struct range ranges_v4[] = {
    {{0}, 8, ADDRESS_UNSPECIFIED},
    {{127}, 8, ADDRESS_LOOPBACK},
    {{169, 254}, 16, ADDRESS_LINK_LOCAL},
    {{100, 100, 100, 200}, 32, ADDRESS_METADATA}, // Alibaba Cloud
    {{168, 63, 129, 16}, 32, ADDRESS_METADATA},   // Azure WireServer
    {{192, 0, 0, 192}, 32, ADDRESS_METADATA},     // Oracle Cloud
    {{10}, 8, ADDRESS_PRIVATE},
    {{172, 16}, 12, ADDRESS_PRIVATE},
    {{192, 168}, 16, ADDRESS_PRIVATE},
    {{100, 64}, 10, ADDRESS_PRIVATE},
    {{192, 0, 0}, 24, ADDRESS_OTHER},
    {{224}, 3, ADDRESS_OTHER}, // multicast, reserved, broadcast
};

static const struct range ranges_v6[] = {
    {{[15] = 1}, 128, ADDRESS_LOOPBACK},
    {{0}, 128, ADDRESS_UNSPECIFIED},
    // Amazon EC2: ::254 metadata, ::123 time, ::253 DNS, ::23 the Pod Identity agent of EKS
    {{0xfd, 0x00, 0x0e, 0xc2}, 32, ADDRESS_METADATA},
    {{0xfd, 0x20, 0x00, 0xce}, 48, ADDRESS_METADATA},             // Google Compute Engine
    {{0xfd, 0x00, 0xa9, 0xfe, 0xa9, 0xfe}, 48, ADDRESS_METADATA}, // OpenStack and Oracle Cloud
    {{0xfd, 0x00, 0x00, 0x42}, 32, ADDRESS_METADATA},             // Scaleway
    {{0xfe, 0x80}, 10, ADDRESS_LINK_LOCAL},
    {{0xfe, 0xc0}, 10, ADDRESS_PRIVATE}, // site-local, deprecated
    {{0xfc}, 7, ADDRESS_PRIVATE},
    {{0xff}, 8, ADDRESS_OTHER},
    {{0x01}, 64, ADDRESS_OTHER}, // discard-only
};

// Where an IPv4 address stands inside an IPv6 one.
struct embedding {
    uint8_t prefix[16];
    unsigned bits;
    unsigned offset; // byte
    uint8_t mask;    // Teredo holds the address inverted
};

static const struct embedding embeddings[] = {
    {{[10] = 0xff, [11] = 0xff}, 96, 12, 0},           // mapped, RFC 4291 2.5.5.2
    {{[8] = 0xff, [9] = 0xff}, 96, 12, 0},             // translated, RFC 2765
    {{0x00, 0x64, 0xff, 0x9b}, 96, 12, 0},             // NAT64, RFC 6052
    {{0x00, 0x64, 0xff, 0x9b, 0x00, 0x01}, 48, 12, 0}, // local NAT64 with a /96 prefix, RFC 8215
    {{0x20, 0x02}, 16, 2, 0},                          // 6to4, RFC 3056
    {{0x20, 0x01, 0x00, 0x00}, 32, 12, 0xff},          // Teredo, RFC 4380
    {{0}, 96, 12, 0},                                  // compatible, RFC 4291 2.5.5.1
};

static bool prefix_match(const uint8_t *address, const uint8_t *prefix, unsigned bits)
{
    unsigned whole = bits / 8, rest = bits % 8;

    if (memcmp(address, prefix, whole) != 0)
        return false;
    return rest == 0 || ((address[whole] ^ prefix[whole]) >> (8 - rest)) == 0;
}

static enum address_kind kind_in(const uint8_t *bytes, const struct range *ranges, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (prefix_match(bytes, ranges[i].prefix, ranges[i].bits))
            return ranges[i].kind;
    return ADDRESS_PUBLIC;
}

// The IPv4 bytes inside an IPv6 address; false where it holds none.
static bool embedded_v4(const uint8_t *bytes, uint8_t ret_v4[4])
{
    for (size_t i = 0; i < GL_ARRAY_SIZE(embeddings); i++) {
        const struct embedding *embedding = &embeddings[i];

        if (!prefix_match(bytes, embedding->prefix, embedding->bits))
            continue;
        for (unsigned byte = 0; byte < 4; byte++)
            ret_v4[byte] = bytes[embedding->offset + byte] ^ embedding->mask;
        return true;
    }
    return false;
}

enum address_kind address_kind(const struct address *address)
{
    uint8_t v4[4];
    const uint8_t *bytes;
    enum address_kind kind;

    if (address->any.sa_family == AF_INET)
        return kind_in((const uint8_t *)&address->v4.sin_addr, ranges_v4, GL_ARRAY_SIZE(ranges_v4));
    if (address->any.sa_family != AF_INET6)
        return ADDRESS_OTHER;
    bytes = address->v6.sin6_addr.s6_addr;
    kind = kind_in(bytes, ranges_v6, GL_ARRAY_SIZE(ranges_v6));
    if (kind == ADDRESS_PUBLIC && embedded_v4(bytes, v4))
        return kind_in(v4, ranges_v4, GL_ARRAY_SIZE(ranges_v4));
    return kind;
}

bool address_parse(struct bytes text, uint16_t port, struct address *ret_address)
{
    char string[INET6_ADDRSTRLEN];
    struct address address = {0};

    if (text.size >= 2 && text.data[0] == '[' && text.data[text.size - 1] == ']')
        text = bytes_of(text.data + 1, text.size - 2);
    if (text.size == 0 || text.size >= sizeof(string))
        return false;
    memcpy(string, text.data, text.size);
    string[text.size] = '\0';
    if (inet_pton(AF_INET, string, &address.v4.sin_addr) == 1) {
        address.v4.sin_family = AF_INET;
        address.length = sizeof(address.v4);
    } else if (inet_pton(AF_INET6, string, &address.v6.sin6_addr) == 1) {
        address.v6.sin6_family = AF_INET6;
        address.length = sizeof(address.v6);
    } else {
        return false;
    }
    address_set_port(&address, port);
    *ret_address = address;
    return true;
}

// The address as 16 bytes, IPv4 in its mapped form.
static void as_v6(const struct address *address, uint8_t ret_bytes[16])
{
    memset(ret_bytes, 0, 16);
    if (address->any.sa_family == AF_INET6) {
        memcpy(ret_bytes, address->v6.sin6_addr.s6_addr, 16);
    } else {
        ret_bytes[10] = ret_bytes[11] = 0xff;
        memcpy(ret_bytes + 12, &address->v4.sin_addr, 4);
    }
}

bool address_same_host(const struct address *a, const struct address *b)
{
    uint8_t bytes_a[16], bytes_b[16];

    as_v6(a, bytes_a);
    as_v6(b, bytes_b);
    return memcmp(bytes_a, bytes_b, sizeof(bytes_a)) == 0;
}

bool address_in_network(const struct address *address, struct bytes network)
{
    struct bytes base_text, bits_text;
    struct address base;
    unsigned bits = 0;

    if (!bytes_cut(network, '/', &base_text, &bits_text) || !address_parse(base_text, 0, &base) ||
        bits_text.size == 0 || bits_text.size > 3 || base.any.sa_family != address->any.sa_family)
        return false;
    for (size_t i = 0; i < bits_text.size; i++) {
        if (bits_text.data[i] < '0' || bits_text.data[i] > '9')
            return false;
        bits = bits * 10 + (unsigned)(bits_text.data[i] - '0');
    }
    if (base.any.sa_family == AF_INET)
        return bits <= 32 &&
               prefix_match((const uint8_t *)&address->v4.sin_addr, (const uint8_t *)&base.v4.sin_addr, bits);
    return bits <= 128 && prefix_match(address->v6.sin6_addr.s6_addr, base.v6.sin6_addr.s6_addr, bits);
}

uint16_t address_port(const struct address *address)
{
    return ntohs(address->any.sa_family == AF_INET6 ? address->v6.sin6_port : address->v4.sin_port);
}

void address_set_port(struct address *address, uint16_t port)
{
    if (address->any.sa_family == AF_INET6)
        address->v6.sin6_port = htons(port);
    else
        address->v4.sin_port = htons(port);
}

void address_format(const struct address *address, char text[ADDRESS_TEXT_SIZE])
{
    char host[INET6_ADDRSTRLEN] = "?";

    if (address->any.sa_family == AF_INET6) {
        inet_ntop(AF_INET6, &address->v6.sin6_addr, host, sizeof(host));
        snprintf(text, ADDRESS_TEXT_SIZE, "[%s]:%u", host, address_port(address));
    } else {
        inet_ntop(AF_INET, &address->v4.sin_addr, host, sizeof(host));
        snprintf(text, ADDRESS_TEXT_SIZE, "%s:%u", host, address_port(address));
    }
}
