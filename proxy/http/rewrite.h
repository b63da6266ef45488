// Writes the head that is sent on, afresh from parsed fields. What belongs to one connection, to one
// credential or to a guess about the client stays behind; everything else keeps its order and its bytes.
//
// No Via is added, against RFC 9110, 7.6.3: nginx and others stop compressing their answers to who sends one.
#ifndef GITLATCH_REWRITE_H
#define GITLATCH_REWRITE_H

#include <stdbool.h>

#include <gitlatch/attr.h>

#include "bytes.h"
#include "head.h"
#include "target.h"
#include "wire.h"

// A rewritten request takes at most head.size + host.size + authorization.size + REWRITE_ROOM bytes, a
// response head.size + gateway.size + host.size + REWRITE_ROOM: a space after each field's colon, a framing
// field, a Connection field, names of the added ones.
#define REWRITE_ROOM (HEAD_FIELDS_MAX + 128)

struct rewrite_request {
    const struct target *target; // not authority form; the gateway cuts the host off its `path`
    struct bytes host;           // value of the Host field
    struct bytes authorization;  // value of Authorization, written last; empty: none. Where it is secret,
                                 // so is what the wire holds from then on
};

// Dropped: hop-by-hop fields and what Connection names, Authorization, Cookie, Expect, Forwarded, Host,
// Proxy-*, Via, X-Forwarded-*, X-Real-IP, X-HTTP-Method(-Override), X-Method-Override, X-Original-URL,
// X-Rewrite-URL, each also with `_` for `-`; of the query, access_token and client_secret. The version is
// HTTP/1.1, the framing as parsed. False: it does not fit.
bool rewrite_request(const struct head *head, const struct rewrite_request *options, struct wire *out) GL_MUST_CHECK;

// Whether the gateway serves a host on a port, so that a Location that leads there leads to the gateway instead.
typedef bool rewrite_serves_fn(const void *arg, const struct host_name *host, uint16_t port);

struct rewrite_response {
    bool close;   // the client's connection ends after this answer: also where its end is the body's end
    bool dechunk; // the chunks are taken off, `close` must be set: see rewrite_must_dechunk
    // The body is another one of so many bytes, in no coding.
    bool replaced;
    uint64_t size;

    // In gateway mode; elsewhere all zero.
    struct bytes gateway; // "http://127.0.0.1:3128": what the client calls the gateway
    struct bytes host;    // "github.com": whom the request was for, meant by a Location without a host
    rewrite_serves_fn *serves;
    const void *serves_arg;
};

// Whether the answer is chunked and the client speaks HTTP/1.0, which knows no chunks: then set `dechunk`
// and `close`, send on what body_next_data gives, and close.
bool rewrite_must_dechunk(const struct head *response, const struct head *request);

// Dropped: hop-by-hop fields and what Connection names, Alt-Svc (it leads to HTTP/3, past the proxy),
// Proxy-*, Set-Cookie (cookies are dropped on their way up, too); in gateway mode Strict-Transport-Security.
// False: it does not fit.
bool rewrite_response(const struct head *head, const struct rewrite_response *options, struct wire *out) GL_MUST_CHECK;

#endif
