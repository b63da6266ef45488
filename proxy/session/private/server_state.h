// The server's state, which server.c alone changes and server_status.c reads.
#ifndef GITLATCH_SERVER_STATE_H
#define GITLATCH_SERVER_STATE_H

#include "server.h"

#include "address.h"
#include "clock.h"
#include "loop.h"
#include "session.h"

struct identity;
struct listener;
struct metrics;
struct spawner;
struct workspace_signing;

struct server_listener {
    struct session_listener settings;
    struct address address;    // that was bound; known also once it listens no more
    struct listener *listener; // NULL: the server drains
};

struct server {
    struct loop *loop;
    struct metrics *metrics;
    struct spawner *spawner;
    struct session_context context; // its `runtime` is a reference
    struct identity *identity;
    struct workspace_signing *signing; // NULL: commits are not signed
    struct server_listener *listeners;
    size_t listener_count;
    char *proxy_url;
    struct session *sessions;
    struct client_shares shares; // of connections among the addresses of their clients
    struct wall started;
    struct mono settled_at; // at the latest
    bool published;
    struct timer drain; // `limits.drain`, once it drains
    struct timer quiet; // since somebody asked for something, while it drains and listens
    struct deferred drained;
    server_drained_fn *on_drained;
    void *on_drained_arg;
};

#endif
