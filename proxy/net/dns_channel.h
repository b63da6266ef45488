// c-ares on the event loop: one question, one answer; nothing is kept.
#ifndef GITLATCH_DNS_CHANNEL_H
#define GITLATCH_DNS_CHANNEL_H

#include <ares.h>

#include <gitlatch/attr.h>
#include <gitlatch/error.h>

struct loop;
struct dns_channel;

// `lookups` as c-ares knows them ("fb", "b"); `servers` NULL: those of /etc/resolv.conf, read again when it changes.
struct dns_channel *dns_channel_new(struct loop *loop, const char *lookups, const char *servers,
                                    struct error *ret_error) GL_MUST_CHECK;
// Questions under way end with ARES_EDESTRUCTION.
void dns_channel_free(struct dns_channel *channel);

// All addresses of a name, sorted (RFC 6724). `done` owns the result (ares_freeaddrinfo), and may be called from
// inside.
void dns_channel_ask(struct dns_channel *channel, const char *name, ares_addrinfo_callback done, void *arg);

#endif
