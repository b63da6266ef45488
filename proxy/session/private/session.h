// One connection of a workspace: a proxy's first request (CONNECT, or the gateway), then the exchanges inside the
// TLS that ends here, or a tunnel.
#ifndef GITLATCH_SESSION_H
#define GITLATCH_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include <gitlatch/reason.h>
#include <gitlatch/verdict.h>

#include "address.h"
#include "client.h"
#include "client_shares.h"
#include "config.h"
#include "host_name.h"
#include "loop.h"
#include "request_id.h"
#include "runtime.h"

struct head;
struct leaf_set;
struct metrics;
struct distrust;
struct password_guesses;
struct secret;
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

// What the sessions get of the server: it owns this and keeps it up to date.
struct session_context {
    struct loop *loop;
    struct metrics *metrics;
    struct runtime *runtime; // the configuration that new requests are served by
    const struct leaf_set *leaves;
    struct request_ids ids;
    struct password_guesses *guesses;
    struct distrust *distrust;
    const struct client_shares *shares;
    bool draining;
    // Whether there is room for a connection from this address; another one may have been closed for it. Then takes the
    // session in, and lets it go.
    bool (*admit)(void *arg, const struct address *peer);
    void (*add)(void *arg, struct session *session, const struct address *peer);
    void (*remove)(void *arg, struct session *session);
    // A request has begun or ended.
    void (*note_request)(void *arg);
    // Whether the gateway may be asked under this name (an address that is listened at, `gateway_hosts`).
    bool (*is_gateway_host)(void *arg, const struct host_name *host, uint16_t port);
    void *arg; // of the four
};

// How a listener treats its clients.
struct session_listener {
    struct session_context *context;
    enum listener_mode mode;
    bool loopback;           // nobody beyond this machine or pod reaches it
    struct secret *password; // NULL: none
};

struct session {
    struct share_member share; // first: among the connections of its address
    struct session_context *context;
    struct session *next, *previous; // the server's
    const struct session_listener *listener;
    struct client client; // what exchanges and tunnels see of it
    enum session_state state;
    bool authorized; // the password was right
    bool idle;       // nothing of a request has arrived
    bool served;     // a request of it was answered
    bool closed;
    size_t searched; // bytes of the input in which the end of a head is not (head.h)
    struct tunnel *tunnel;
    struct timer timer; // of what the state waits for
    struct deferred next_request;
    struct deferred release;
};

// Ends a session; nothing else does. An exchange or a tunnel in progress is aborted, and its audit event carries `reason`.
void session_close(struct session *session, enum reason reason);
// The server listens no more: an idle session ends now, another after its exchange.
void session_drain(struct session *session);

// The limits that the session is under.
const struct config_limits *session_limits(const struct session *session);
// A request is decided by the configuration of its own time, however long the connection has been there.
void session_use_present_runtime(struct session *session);

// Waits in this state for `limit_ms`: then the session ends.
void session_wait(struct session *session, enum session_state state, int64_t limit_ms);
// Ready for the next request: until its first byte the client may be idle.
void session_await_request(struct session *session, enum session_state state);
// Begins the exchange of a request that is at the front of the input; or one that ends with this verdict (`request` NULL:
// what came is no request).
void session_begin_exchange(struct session *session, const struct head *request);
void session_refuse(struct session *session, const struct head *request, const struct verdict *verdict);
// Begins TLS with the workspace, in the name of `client.host`.
void session_start_tls(struct session *session);
// Begins a tunnel to `client.host`. `connect` NULL: transparent.
void session_begin_tunnel(struct session *session, uint16_t port, const struct head *connect);
// All is said: nothing more is sent, and the client has its time to take the answer and close.
void session_linger(struct session *session);
// The client has taken some of what it was sent while the session lingers.
void session_await_close(struct session *session);

#endif
