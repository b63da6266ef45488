// A process that serves until it is asked to end: `gitlatch proxy`, `gitlatch broker`, and what `gitlatch run` starts
// beside its command. It holds the order in which privileges are given up, the signals, the reload and the end.
#ifndef GITLATCH_DAEMON_H
#define GITLATCH_DAEMON_H

#include <stdbool.h>

#include <gitlatch/attr.h>

#include "config.h"
#include "error.h"

struct loop;
struct metrics;
struct spawner;
struct text;

// What an instance is made of; outlives it.
struct daemon_context {
    struct loop *loop;
    struct metrics *metrics;
    struct spawner *spawner;
    struct config *config;
    const char *password; // NULL: none
};

// What a daemon serves; each function as server.h and broker.h say of theirs.
struct daemon_type {
    const char *name;    // of the log's component
    enum config_use use; // of the configuration that is read again
    void *(*new)(const struct daemon_context *context, struct error *ret_error);
    void (*free)(void *instance);
    bool (*reload)(void *instance, struct config *config, struct error *ret_error);
    void (*drain)(void *instance, void (*done)(void *arg), void *arg);
    bool (*ready)(const void *instance);
    bool (*settled)(const void *instance);                   // NULL: always
    void (*status)(const void *instance, struct text *text); // the members alone
};

extern const struct daemon_type daemon_type_broker; // struct broker
extern const struct daemon_type daemon_type_proxy;  // struct server

struct daemon_options {
    const char *folder; // made for this process alone, which removes it with all that is in it; NULL: none
    const struct daemon_type *type;
    struct config *config; // a reference is taken
    bool reloads;          // the configuration's file is watched, and read again on SIGHUP
    bool supervised;       // a service manager may have given sockets, and waits to hear that it is ready
    const char *password;  // that every listener asks for; NULL: none
    int lifeline;          // a socket: when its other end is closed, everything ends at once; -1: none
    // Called once clients are served; may be NULL.
    void (*ready)(void *arg, const void *instance);
    void *ready_arg;
};

// Serves until SIGTERM or SIGINT (drains; a second one ends it at once) or the end of the lifeline. False
// where it could not start. Once a process: it takes from it for good what a daemon does not need.
bool daemon_run(const struct daemon_options *options, struct error *ret_error) GL_MUST_CHECK;

#endif
