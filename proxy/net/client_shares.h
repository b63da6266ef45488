// How the connections of a service are shared among the addresses that they come from, so that no address keeps the
// others out. Pure.
#ifndef GITLATCH_CLIENT_SHARES_H
#define GITLATCH_CLIENT_SHARES_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/queue.h>

#include <gitlatch/attr.h>

#include "address.h"

// What becomes of a client that is over the share of its address.
enum client_shares_kind {
    CLIENT_SHARES_RENEW,  // it gets the place of an idle connection of its own
    CLIENT_SHARES_REFUSE, // it is refused; but loopback is one workspace, whose share is the whole
};

enum share_state {
    SHARE_BUSY,   // a request is under way
    SHARE_NEW,    // no request has come yet
    SHARE_SERVED, // a request was answered, and the next one is awaited
};

// Embedded in a connection, as its first member.
struct share_member {
    TAILQ_ENTRY(share_member) link;
    struct client_share *share;
    enum share_state state;
};

// Embedded by its owner; set up with client_shares_init.
struct client_shares {
    LIST_HEAD(client_share_list, client_share) list; // of addresses with a connection
    size_t count, most;                              // connections
    size_t per_client;                               // most of one address; 0: `most`
    enum client_shares_kind kind;
};

void client_shares_init(struct client_shares *shares, enum client_shares_kind kind, size_t most, size_t per_client);
// A reload: other bounds from now on.
void client_shares_set(struct client_shares *shares, size_t most, size_t per_client);

// Whether there is room for one more connection from `peer`. Where the service is full, the connection that waits longest
// for a request, of the address with the most, makes room; CLIENT_SHARES_REFUSE: of an address that has more than this one.
// Where only the address is over its own share, CLIENT_SHARES_RENEW has one of its own make room. A connection on which no request was answered yet makes room only for an address that has fewer: else a crowd of
// clients would end each other's handshakes. True: `ret_victim` is to be closed first, or is NULL. False: it is NULL.
bool client_shares_admit(const struct client_shares *shares, const struct address *peer,
                         struct share_member **ret_victim) GL_MUST_CHECK;

// Adds a connection, SHARE_NEW.
void client_shares_add(struct client_shares *shares, struct share_member *member, const struct address *peer);
void client_shares_remove(struct client_shares *shares, struct share_member *member);
// A connection that begins to wait is the last of its address to make room.
void share_member_set(struct share_member *member, enum share_state state);

#endif
