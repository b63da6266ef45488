// The gateway: git's requests to `http://127.0.0.1:3128/github.com/OWNER/REPOSITORY.git/…`, without a CA.
#ifndef GITLATCH_GATEWAY_H
#define GITLATCH_GATEWAY_H

#include <stdbool.h>

#include <gitlatch/attr.h>
#include <gitlatch/verdict.h>

#include "head.h"
#include "host_name.h"
#include "target.h"

struct session;

// Whether a web page sent the request: a browser says where one comes from.
bool gateway_page_asks(const struct head *request);
// Takes the host's name and port off the path: `target` leads there. Refused where a web page or a
// foreign name asks, or the listener wants a password.
bool gateway_route(const struct session *session, const struct head *request, struct target *target,
                   struct host_name *ret_host, uint16_t *ret_port, struct verdict *ret_verdict);
// Whether a request to our own address may be answered at all: no web page sent it, and no foreign name.
bool gateway_may_be_asked(const struct session *session, const struct head *request) GL_MUST_CHECK;

#endif
