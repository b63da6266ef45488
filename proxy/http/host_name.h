// A host, made normal once, before any rule looks at it: lower case, one trailing dot dropped, IPv6 in its
// canonical form. Never percent-encoded, never an international name that is not in its ASCII form.
#ifndef GITLATCH_HOST_NAME_H
#define GITLATCH_HOST_NAME_H

#include <stdbool.h>
#include <stdint.h>

#include <gitlatch/attr.h>

#include "bytes.h"

// RFC 1035, 2.3.4: a name without its trailing dot has at most 253 characters, a label 63.
#define HOST_NAME_MAX_LENGTH 253
#define HOST_NAME_LABEL_MAX  63

enum host_kind {
    HOST_NAME, // labels of letters, digits, `-` (not at an end) and `_`
    HOST_IPV4, // four decimal numbers
    HOST_IPV6, // text without brackets; no zone
};

struct host_name {
    enum host_kind kind;
    size_t size;
    char text[HOST_NAME_MAX_LENGTH + 1]; // ended by NUL
};

// Parses a host as it stands in a URL, a Host field or an SNI: an IPv6 address has brackets. False:
// malformed. That is also every form that some resolver takes for an IPv4 address and that is not four
// decimal numbers (`127.1`, `0x7f.1`, `2130706433`, `0177.0.0.1`).
bool host_name_parse(struct bytes text, struct host_name *ret_host) GL_MUST_CHECK;

// Parses `host[:port]` (RFC 3986, 3.2, no user information). Without a port it is `default_port`; where that
// is 0 a port must be there. The port is 1 to 65535, without leading zeros.
bool host_name_parse_authority(struct bytes text, uint16_t default_port, struct host_name *ret_host, uint16_t *ret_port)
    GL_MUST_CHECK;

bool host_name_equal(const struct host_name *a, const struct host_name *b);

static inline struct bytes host_name_bytes(const struct host_name *host)
{
    return bytes_of(host->text, host->size);
}

#endif
