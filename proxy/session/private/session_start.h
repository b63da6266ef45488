// The beginning of a session, and what happens on its connection.
#ifndef GITLATCH_SESSION_START_H
#define GITLATCH_SESSION_START_H

struct address;
struct session_listener;

// Starts serving an accepted connection.
void session_start(const struct session_listener *listener, int fd, const struct address *peer);

#endif
