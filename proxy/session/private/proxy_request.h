// What the proxy itself is asked: CONNECT, the gateway, or plain HTTP, which is not served.
#ifndef GITLATCH_PROXY_REQUEST_H
#define GITLATCH_PROXY_REQUEST_H

#include "head.h"

struct session;

// Takes a request whose head is parsed whole, at the front of the client's input.
void proxy_request_take(struct session *session, const struct head *request);

#endif
