// Listening sockets, and a thread for each connection.
#ifndef GITLATCH_SERVE_H
#define GITLATCH_SERVE_H

#include <stdint.h>

#include "mock_ca.h"

struct call;

// Listens on "address:port" ("[::1]:0" too); gives the port. Ends the process with a message where it cannot.
int serve_listen(const char *address, int *ret_port);
// Accepts on a listening descriptor, in a thread of its own, until the process ends.
void serve_github(int listener);
void serve_control(int listener);

// From now on this certificate is shown, to those who ask for `host` alone ("" for any).
void serve_use_certificate(enum mock_certificate certificate, const char *host);

struct serve_counts {
    uint64_t connections;
    uint64_t open;
    uint64_t handshake_failures;
};

struct serve_counts serve_count(void);

#endif
