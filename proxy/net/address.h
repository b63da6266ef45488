// What kind of network address this is, so that a tunnel never reaches what only the proxy's own host may reach.
// Pure. Sources: RFC 6890 (special-purpose registries), RFC 4193, RFC 6052 and RFC 3056 (IPv4 inside IPv6).
#ifndef GITLATCH_ADDRESS_H
#define GITLATCH_ADDRESS_H

#include <stdbool.h>
#include <stdint.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <gitlatch/attr.h>

#include "bytes.h"

// An IPv4 or IPv6 socket address.
struct address {
    socklen_t length; // 0: none
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
        struct sockaddr_storage storage;
    };
};

enum address_kind {
    ADDRESS_PUBLIC,
    ADDRESS_PRIVATE,     // RFC 1918, unique local, shared (RFC 6598)
    ADDRESS_LOOPBACK,    // 127/8, ::1
    ADDRESS_LINK_LOCAL,  // 169.254/16, fe80::/10
    ADDRESS_UNSPECIFIED, // 0/8, ::
    ADDRESS_METADATA,    // the cloud metadata services that are not link-local
    ADDRESS_OTHER,       // multicast, broadcast, reserved
};

// The kind; the IPv4 address inside an IPv6 form (mapped, compatible, NAT64, 6to4, Teredo) is judged as itself.
enum address_kind address_kind(const struct address *address);
// Parses "1.2.3.4", "::1" or "[::1]", all in their standard forms. False for anything else.
bool address_parse(struct bytes text, uint16_t port, struct address *ret_address) GL_MUST_CHECK;
// Whether two addresses are the same host; ports are not looked at, a mapped IPv4 address equals the plain one.
bool address_same_host(const struct address *a, const struct address *b);
// Whether it belongs to a network such as "10.0.0.0/8" or "fd00::/8". False for a text that is none.
bool address_in_network(const struct address *address, struct bytes network);
uint16_t address_port(const struct address *address);
void address_set_port(struct address *address, uint16_t port);
// "1.2.3.4:80", "[::1]:80".
#define ADDRESS_TEXT_SIZE (INET6_ADDRSTRLEN + 8)
void address_format(const struct address *address, char text[ADDRESS_TEXT_SIZE]);

#endif
