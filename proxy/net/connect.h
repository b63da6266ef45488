// From a name to a connected socket: looked up, each address judged, tried in turn with a head start for the better
// ones (Happy Eyeballs, RFC 8305), the first that connects wins.
#ifndef GITLATCH_CONNECT_H
#define GITLATCH_CONNECT_H

#include <stdint.h>

#include <gitlatch/attr.h>
#include <gitlatch/verdict.h>

#include "address.h"

struct loop;
struct resolver;
struct connect;

// Whether this address may be dialled; the verdict is filled where not.
typedef bool connect_allowed_fn(void *arg, const struct address *address, struct verdict *ret_verdict);

struct connect_request {
    const char *host; // a name made normal, or a literal address
    uint16_t port;
    bool absolute;               // resolv.conf's search list is not used for the name
    connect_allowed_fn *allowed; // NULL: any. A name of which one address is not allowed is not dialled at all
    void *allowed_arg;
};

// `fd` is connected, non-blocking, with TCP_NODELAY and keepalive, and the callee's; or -1, and the verdict says why.
typedef void connect_done_fn(void *arg, int fd, const struct verdict *verdict);

// Ends with `done`, or with connect_cancel. Has no time limit of its own.
struct connect *connect_start(struct loop *loop, struct resolver *resolver, const struct connect_request *request,
                              connect_done_fn *done, void *arg) GL_MUST_CHECK;
void connect_cancel(struct connect *connect);

// Whether the address belongs to this host itself, so that a connection to it would come back to a process here.
bool connect_is_own_address(const struct address *address);

#endif
