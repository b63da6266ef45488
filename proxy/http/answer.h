// An answer of gitlatch's own, written whole.
#ifndef GITLATCH_ANSWER_H
#define GITLATCH_ANSWER_H

#include <stdbool.h>

#include <gitlatch/attr.h>

#include "bytes.h"
#include "wire.h"

// To CONNECT: no field may say a length (RFC 9110, 9.3.6).
#define ANSWER_CONNECTED BYTES("HTTP/1.1 200 Connection established\r\n\r\n")
#define ANSWER_CONTINUE  BYTES("HTTP/1.1 100 Continue\r\n\r\n")
// Room for an answer's head, beside the views that are given to it.
#define ANSWER_ROOM 512

struct answer {
    int status;
    struct bytes content_type; // empty: none
    struct bytes body;
    bool omit_body;         // the request was HEAD: the length is written, the body is left out
    bool close;             // Connection: close
    unsigned retry_after_s; // 0: none
    // Values of further fields; empty: none.
    struct bytes date;
    struct bytes content_security_policy; // a page
    struct bytes location;
    struct bytes allow;              // 405
    struct bytes proxy_authenticate; // 407
    struct bytes www_authenticate;   // 401
    struct bytes message;            // Gitlatch-Message: for people, where the body has no room for it
};

// The standard phrase of a status (RFC 9110, 15; RFC 6585), "Unknown" for one that gitlatch never sends.
struct bytes answer_phrase(int status);

// Every answer says `Cache-Control: no-store`: what is refused now may be allowed in a minute. False: it does
// not fit (ANSWER_ROOM and the views' sizes are always enough).
bool answer_write(const struct answer *answer, struct wire *out) GL_MUST_CHECK;

#endif
