// The one resolver: c-ares on the event loop, IPv4 and IPv6, with answers kept for their time to live and asked
// for again before it ends while they are in use. libc's resolver is never asked.
#ifndef GITLATCH_RESOLVE_H
#define GITLATCH_RESOLVE_H

#include <netinet/in.h>
#include <stddef.h>
#include <sys/socket.h>

#include <gitlatch/attr.h>

#include "error.h"

struct loop;
struct resolver;
struct resolve_request;

union resolve_address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

// Where names are looked up.
enum resolve_lookups {
    RESOLVE_FILES_AND_DNS, // the hosts file, then DNS (c-ares "fb")
    RESOLVE_DNS,           // DNS alone (c-ares "b"): hosts mode, where the hosts file points at ourselves
};

// More addresses than this of one name are not kept: a dial tries a few of them at most.
#define RESOLVE_ADDRESSES_MAX 16

// Valid during the callback only.
struct resolve_answer {
    const union resolve_address *addresses; // port 0; families alternate (RFC 8305, section 4), best first
    size_t count;                           // 0: the name has no address, `problem` says why
    const char *problem;                    // a sentence for people, without the name; NULL where there are addresses
};

typedef void resolve_done_fn(void *arg, const struct resolve_answer *answer);

// `servers` is NULL for those of /etc/resolv.conf, else "address:port[,…]", for tests. NULL when c-ares cannot be
// set up.
struct resolver *resolver_new(struct loop *loop, enum resolve_lookups lookups, const char *servers,
                              struct error *ret_error) GL_MUST_CHECK;
// Ends every request without calling back; NULL is allowed.
void resolver_free(struct resolver *resolver);

// Asks for the addresses of a name (made normal: lower case; a dot at its end makes it absolute, see dns_channel.h) or of a literal address (IPv6 with or
// without brackets). The request ends with `done`, or with
// resolve_cancel, after which `done` is not called.
struct resolve_request *resolve_ask(struct resolver *resolver, const char *name, resolve_done_fn *done, void *arg)
    GL_MUST_CHECK;
void resolve_cancel(struct resolve_request *request);

// The addresses of this name, absolute or not, did not lead anywhere: the next request asks DNS again.
void resolve_forget(struct resolver *resolver, const char *name);

// Reads a literal address, IPv6 with or without brackets. False: it is a name.
bool resolve_literal(const char *text, union resolve_address *ret_address) GL_MUST_CHECK;
// The size that connect(2) wants.
socklen_t resolve_address_size(const union resolve_address *address);

#endif
