// The process round a server: what `gitlatch proxy` is, and what `gitlatch run` starts beside its command. It
// holds the order in which privileges are given up, the signals, the reload and the end.
#ifndef GITLATCH_SERVING_H
#define GITLATCH_SERVING_H

#include <stdbool.h>

#include <gitlatch/attr.h>
#include <gitlatch/error.h>

struct config;
struct server;

struct serving_options {
    struct config *config; // a reference is taken
    bool reloads;          // the configuration's file is watched, and read again on SIGHUP
    const char *password;  // that every listener asks for; NULL: none
    int lifeline;          // a socket: when its other end is closed, everything ends at once; -1: none
    // Called once clients are served; may be NULL.
    void (*ready)(void *arg, const struct server *server);
    void *ready_arg;
};

// Serves until SIGTERM or SIGINT (drains; a second one ends it at once) or the end of the lifeline. False
// where it could not start. Once a process: it takes from it for good what serving does not need.
bool serving_run(const struct serving_options *options, struct error *ret_error) GL_MUST_CHECK;

#endif
