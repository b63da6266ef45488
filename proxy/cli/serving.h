// The process round what is served: what `gitlatch proxy` and `gitlatch broker` are, and what `gitlatch run` starts
// beside its command. It holds the order in which privileges are given up, the signals, the reload and the end.
#ifndef GITLATCH_SERVING_H
#define GITLATCH_SERVING_H

#include <stdbool.h>

#include <gitlatch/attr.h>

#include "config.h"
#include "error.h"

struct loop;
struct metrics;
struct spawner;
struct text;

// What a served thing is made of; outlives it.
struct serving_context {
    struct loop *loop;
    struct metrics *metrics;
    struct spawner *spawner;
    struct config *config;
    const char *password; // NULL: none
};

// What is served; each function as server.h and broker.h say of theirs.
struct served_type {
    const char *name;    // of the log's component
    enum config_use use; // of the configuration that is read again
    void *(*new)(const struct serving_context *context, struct error *ret_error);
    void (*free)(void *served);
    bool (*reload)(void *served, struct config *config, struct error *ret_error);
    void (*drain)(void *served, void (*done)(void *arg), void *arg);
    bool (*ready)(const void *served);
    void (*status)(const void *served, struct text *text);
};

extern const struct served_type served_broker; // struct broker
extern const struct served_type served_proxy;  // struct server

struct serving_options {
    const struct served_type *type;
    struct config *config; // a reference is taken
    bool reloads;          // the configuration's file is watched, and read again on SIGHUP
    const char *password;  // that every listener asks for; NULL: none
    int lifeline;          // a socket: when its other end is closed, everything ends at once; -1: none
    // Called once clients are served; may be NULL.
    void (*ready)(void *arg, const void *served);
    void *ready_arg;
};

// Serves until SIGTERM or SIGINT (drains; a second one ends it at once) or the end of the lifeline. False
// where it could not start. Once a process: it takes from it for good what serving does not need.
bool serving_run(const struct serving_options *options, struct error *ret_error) GL_MUST_CHECK;

#endif
