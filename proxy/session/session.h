// One connection of a workspace: a proxy's first request (CONNECT, or the gateway), then the exchanges inside the
// TLS that ends here, or a tunnel.
#ifndef GITLATCH_SESSION_H
#define GITLATCH_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include <gitlatch/reason.h>

#include "address.h"
#include "audit.h"
#include "config.h"
#include "host_name.h"
#include "loop.h"
#include "runtime.h"

struct exchange;
struct secret;
struct server;
struct session;
struct stream;
struct tunnel;

// What the session waits for.
enum session_state {
    SESSION_PROXY_HEAD, // a proxy's request: CONNECT, the gateway, plain HTTP
    SESSION_HELLO,      // transparent: the ClientHello, which names the host
    SESSION_HANDSHAKE,  // TLS with the workspace
    SESSION_REQUEST,    // the next request to GitHub: inside the TLS, or through the gateway
    SESSION_EXCHANGE,   // the exchange under way
    SESSION_TUNNEL,     // the tunnel, or its dial
    SESSION_LINGER,     // all is said: the client closes, so that it reads the answer before a reset
};

struct session {
    struct server *server;
    struct session *next, *previous; // the server's
    const struct session_listener *listener;
    struct runtime *runtime; // a reference: the configuration of the last request
    struct stream *client;
    enum session_state state;
    enum audit_mode mode;
    struct host_name host; // the CONNECT name, or the ClientHello's; empty in gateway mode
    char peer[ADDRESS_TEXT_SIZE];
    bool authorized; // the password was right
    bool idle;       // nothing of a request has arrived
    bool closed;
    size_t searched; // bytes of the input in which the end of a head is not (head.h)
    struct exchange *exchange;
    struct tunnel *tunnel;
    struct timer timer; // of what the state waits for
    struct deferred next_request;
    struct deferred release;
};

// How a listener treats its clients.
struct session_listener {
    struct server *server;
    enum listener_mode mode;
    struct secret *password; // NULL: none
};

// Starts serving an accepted connection.
void session_new(const struct session_listener *listener, int fd, const struct address *peer);
// The one way in which a session ends. What is under way is cut, and its event says `reason`.
void session_close(struct session *session, enum reason reason);
// The exchange has ended whole: the next request, or the end where `keep_alive` is false.
void session_exchange_done(struct session *session, bool keep_alive);
// The client was answered and nothing more is read from it: closes once it has, or after a short time.
void session_linger(struct session *session);
// The server drains: an idle session ends now, another after its exchange.
void session_drain(struct session *session);

#endif
