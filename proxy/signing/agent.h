// The ssh-agent that signs a workspace's commits, on a Unix socket. It lists one key and signs
// the blobs of git signatures, nothing else.
#ifndef GITLATCH_AGENT_H
#define GITLATCH_AGENT_H

#include <sys/types.h>

#include <gitlatch/attr.h>

#include "error.h"

struct agent;
struct loop;
struct signer;

// What became of a signature that was asked for. Strings are on loan.
struct agent_event {
    const char *client; // "uid 1000"
    const char *blob;   // its SHA-256 in hex
    const char *result; // "ok", "refused", "failed"
    const char *why;    // of the latter two; NULL for "ok"
};
typedef void agent_event_fn(void *arg, const struct agent_event *event);

struct agent_options {
    struct loop *loop;
    struct signer *signer; // borrowed
    const char *path;      // of the socket
    mode_t mode;
    agent_event_fn *on_event;
    void *arg;
};

struct agent *agent_new(const struct agent_options *options, struct error *ret_error) GL_MUST_CHECK;
// Closes all connections and removes the socket; NULL: nothing.
void agent_free(struct agent *agent);

#endif
