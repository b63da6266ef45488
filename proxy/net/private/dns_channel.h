// c-ares on the event loop: one question, the hosts file's answer or DNS's answers; nothing is kept.
//
// A and AAAA are asked apart (RFC 8305, section 3), since there are servers that swallow AAAA questions. The hosts file
// comes first and alone, as with getaddrinfo(3).
#ifndef GITLATCH_DNS_CHANNEL_H
#define GITLATCH_DNS_CHANNEL_H

#include <ares.h>
#include <stdbool.h>

#include <gitlatch/attr.h>

#include "error.h"

struct loop;
struct dns_channel;

// One of the answers to a question. Valid during the callback only.
struct dns_answer {
    int status;                             // ARES_SUCCESS, else why there is no result
    int family;                             // that was asked for: AF_INET, AF_INET6; AF_UNSPEC: both
    const struct ares_addrinfo_node *nodes; // sorted (RFC 6724); NULL: none
    bool last;                              // no further answer comes
};

typedef void dns_answer_fn(void *arg, const struct dns_answer *answer);

// `files`: the hosts file is read, too. `servers` NULL: those of /etc/resolv.conf, read again when it changes.
struct dns_channel *dns_channel_new(struct loop *loop, bool files, const char *servers, struct error *ret_error)
    GL_MUST_CHECK;
// Questions in progress end with ARES_EDESTRUCTION.
void dns_channel_free(struct dns_channel *channel);

// All addresses of a name. It is asked for as it is first, whatever `ndots` resolv.conf has (in a pod, where that is 5,
// `github.com` would be asked for below four search domains before), and below resolv.conf's search list only if it has
// no address at all. A dot at its end makes it absolute: there is no search. `on_answer` is called until the last answer,
// perhaps from inside this call.
void dns_channel_ask(struct dns_channel *channel, const char *name, dns_answer_fn *on_answer, void *arg);

#endif
