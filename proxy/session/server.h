// The sidecar as a whole: its listeners, the workspaces' sessions, what is built from the configuration.
// The process around it (signals, watching the file, the sandbox) is the command's.
#ifndef GITLATCH_SERVER_H
#define GITLATCH_SERVER_H

#include <stdbool.h>

#include <gitlatch/attr.h>

#include "config.h"
#include "error.h"

struct loop;
struct metrics;
struct server;
struct spawner;
struct text;

struct server_options {
    struct loop *loop;
    struct metrics *metrics;
    struct spawner *spawner; // NULL: the configuration runs no command
    struct config *config;   // a reference is taken
    // A password that every listener asks for, beside those of the configuration (`run`). NULL: none.
    const char *password;
};

// Reads keys and roots, makes the CA, listens and publishes. After this clients are served by loop_run.
struct server *server_new(const struct server_options *options, struct error *ret_error) GL_MUST_CHECK;
// Cuts whatever is still under way.
void server_free(struct server *server);

// Takes a new configuration: built in full, then swapped in; what is under way keeps the old one. Refused, with the
// old one kept, where it cannot be built, or changes what needs a restart (listeners, GitHub's hosts, the CA).
bool server_reload(struct server *server, struct config *config, struct error *ret_error) GL_MUST_CHECK;

// Goes on taking requests, each the last of its connection, until two seconds pass without one; then stops listening, lets
// requests under way end, closes what is idle. `done` is called from the loop when nothing is left or `limits.drain` is over.
typedef void server_drained_fn(void *arg);
void server_drain(struct server *server, server_drained_fn *done, void *arg);

// "http://127.0.0.1:3128", as a workspace writes it, with the port that the kernel picked; with "gitlatch:PASSWORD@"
// where `password` was given. Valid as long as the server.
const char *server_proxy_url(const struct server *server);
// Every address that it listens at, as bound: "0.0.0.0:3128, 127.0.0.1:3129 (transparent)".
void server_append_addresses(const struct server *server, struct text *text);
// Where the CA is published, absolute.
const char *server_publish_directory(const struct server *server);
// Whether it listens, has published the CA and is not draining (`/readyz`).
bool server_ready(const struct server *server);
// Whether it has what it gets ahead of the first request, or has waited long enough for it: half a second after its start
// it has, whatever GitHub does.
bool server_settled(const struct server *server);
// Appends the members of the JSON object of `/status`. Never holds a token.
void server_status(const struct server *server, struct text *text);

#endif
