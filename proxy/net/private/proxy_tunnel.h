// Asks a proxy for a tunnel and reads its answer. Pure.
//
// Only the status counts: "A client MUST ignore any Content-Length or Transfer-Encoding header fields received in a
// successful response to CONNECT" (RFC 9110, 9.3.6), and company proxies send both at once, or white space before a
// colon. So nothing here is as strict as head.h, through which GitHub's answers come.
#ifndef GITLATCH_PROXY_TUNNEL_H
#define GITLATCH_PROXY_TUNNEL_H

#include <stdbool.h>
#include <stdint.h>

#include <gitlatch/attr.h>
#include "bytes.h"

#include "wire.h"

// A proxy answers with a few hundred bytes; a refusal's page is not read.
#define PROXY_TUNNEL_HEAD_MAX ((size_t)16 * 1024)

enum proxy_tunnel_result {
    PROXY_TUNNEL_MORE, // more bytes are needed
    PROXY_TUNNEL_OPEN, // the tunnel's bytes follow after `size`
    PROXY_TUNNEL_REFUSED,
    PROXY_TUNNEL_BAD, // no HTTP, or too long
};

struct proxy_tunnel_answer {
    size_t size; // of the head
    int status;
    struct bytes scheme; // that the first Proxy-Authenticate names; a view of the input
    bool offers_basic;   // one of them is Basic
};

// Writes the request. `authorization` is the value of Proxy-Authorization; empty: none is sent.
void proxy_tunnel_ask(struct wire *wire, const char *host, uint16_t port, struct bytes authorization);

// Takes the value of a Proxy-Authenticate field into account (RFC 9110, 11.7.1: it names a scheme and its parameters).
void proxy_tunnel_add_scheme(struct proxy_tunnel_answer *answer, struct bytes value);

enum proxy_tunnel_result proxy_tunnel_read(struct bytes input, struct proxy_tunnel_answer *ret_answer) GL_MUST_CHECK;

// Writes why a proxy did not open the tunnel, and what mends it. `has_password`: one was sent.
#define PROXY_TUNNEL_REASON_SIZE 240
void proxy_tunnel_reason(const struct proxy_tunnel_answer *answer, bool has_password,
                         char ret_reason[PROXY_TUNNEL_REASON_SIZE]);

#endif
