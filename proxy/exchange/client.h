// The connection of a workspace, as an exchange or a tunnel on it sees it. The session owns it, fills it in and registers
// the callbacks: nothing else of a session or the server is known here.
#ifndef GITLATCH_CLIENT_H
#define GITLATCH_CLIENT_H

#include <stdbool.h>

#include <gitlatch/reason.h>
#include <gitlatch/verdict.h>

#include "address.h"
#include "audit.h"
#include "head.h"
#include "host_name.h"
#include "request_id.h"
#include "target.h"

struct exchange;
struct loop;
struct metrics;
struct runtime;
struct stream;

struct client_callbacks {
    // Ends the connection. What is in progress on it is aborted, and its audit event carries `reason`.
    void (*close)(void *arg, enum reason reason);
    // The exchange has ended in order: the next request's turn, or the connection's end.
    void (*exchange_done)(void *arg, bool keep_alive);
    // Gateway mode: takes the host's name and port off the path. `target` leads there.
    bool (*route)(void *arg, const struct head *request, struct target *target, struct host_name *ret_host,
                  uint16_t *ret_port, struct verdict *ret_verdict);
};

struct client {
    struct loop *loop;
    struct metrics *metrics;
    struct request_ids *ids;
    struct stream *stream;
    struct runtime *runtime; // a reference: the configuration of the last request
    enum audit_mode mode;
    bool plain;            // AUDIT_PROXY: the request is for an https:// URL, but came without TLS
    struct host_name host; // the CONNECT name, or the ClientHello's; empty in gateway mode
    uint16_t port;         // that goes with it
    char peer[ADDRESS_TEXT_SIZE];
    struct exchange *exchange; // in progress; NULL: none
    const bool *draining;      // of the server: from then on each answer is its connection's last
    const struct client_callbacks *callbacks;
    void *arg; // of the callbacks
};

#endif
