// How the server ends: it goes on taking connections until nobody has asked for anything for two seconds, since a git
// operation is several exchanges; then it listens no more, and what is in flight ends. All within `limits.drain`.
#ifndef GITLATCH_SERVER_DRAIN_H
#define GITLATCH_SERVER_DRAIN_H

struct server;

void server_drain_init(struct server *server);
void server_drain_clear(struct server *server);
// A request has begun or ended.
void server_drain_note_request(struct server *server);
// A session has ended.
void server_drain_note_end(struct server *server);

#endif
