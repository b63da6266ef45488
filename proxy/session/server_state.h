// What the sessions use of the server. Private to proxy/session.
#ifndef GITLATCH_SERVER_STATE_H
#define GITLATCH_SERVER_STATE_H

#include "server.h"
#include "session.h"

// A request's id: 8 hex digits of this process, 8 of the request.
#define REQUEST_ID_SIZE 17

struct loop *server_loop(const struct server *server);
struct metrics *server_metrics(const struct server *server);
const struct clock *server_clock(const struct server *server);
// The configuration that new requests are served by.
struct runtime *server_runtime(const struct server *server);
const struct leaf_set *server_leaves(const struct server *server);
bool server_is_draining(const struct server *server);
void server_next_id(struct server *server, char ret_id[REQUEST_ID_SIZE]);
// Whether the gateway may be asked under this name (its own address, `gateway_hosts`).
bool server_is_gateway_host(const struct server *server, const struct host_name *host, uint16_t port);

// Takes a session in; false where `limits.connections` is reached. And lets it go.
bool server_add_session(struct server *server, struct session *session);
void server_remove_session(struct server *server, struct session *session);

#endif
