// The token broker of a cluster: who holds the App's key and gives tokens to sidecars that prove who they are. The
// process around it (signals, watching the file, the sandbox) is the command's.
#ifndef GITLATCH_BROKER_H
#define GITLATCH_BROKER_H

#include <stdbool.h>

#include <gitlatch/attr.h>

#include "config.h"
#include "error.h"

struct broker;
struct loop;
struct metrics;
struct spawner;
struct text;

struct broker_options {
    struct loop *loop;
    struct metrics *metrics;
    struct spawner *spawner; // runs the configuration's `sign_command`
    struct config *config;   // a reference is taken
};

// Reads keys, roots and tokens, and listens. After this callers are served by loop_run.
struct broker *broker_new(const struct broker_options *options, struct error *ret_error) GL_MUST_CHECK;
// Cuts whatever is still under way.
void broker_free(struct broker *broker);

// Takes a new configuration: built in full, then swapped in; calls under way keep the old one. Refused, with the old
// one kept, where it cannot be built or names other addresses.
bool broker_reload(struct broker *broker, struct config *config, struct error *ret_error) GL_MUST_CHECK;

// Stops listening, lets calls under way end; `done` is called from the loop when nothing is left or `limits.drain` is
// over.
typedef void broker_drained_fn(void *arg);
void broker_drain(struct broker *broker, broker_drained_fn *done, void *arg);

// "127.0.0.1:8443", with the port that the kernel picked. Valid as long as the broker.
const char *broker_listens_at(const struct broker *broker);
// Whether it serves, with a usable key, and is not draining (`/readyz`).
bool broker_ready(const struct broker *broker);
// Appends the members of the JSON object of `/status`. Never holds a token.
void broker_status(const struct broker *broker, struct text *text);

#endif
