// A connection that was redirected to the transparent listener: the ClientHello names the host; the original destination
// gives the port alone.
#ifndef GITLATCH_TRANSPARENT_H
#define GITLATCH_TRANSPARENT_H

struct session;

// Reads what has arrived of the ClientHello, and goes on once it is whole.
void transparent_read_hello(struct session *session);

#endif
