// The process that runs commands (a `command` source, `sign_command`). It is forked at start, before threads,
// the sandbox, raised limits and secrets, and runs the command lines it was given then and nothing else.
#ifndef GITLATCH_SPAWNER_H
#define GITLATCH_SPAWNER_H

#include <stdbool.h>
#include <stddef.h>

#include <gitlatch/attr.h>

#include "error.h"

struct loop;
struct spawner;

// Forks it. Each command is a NULL-terminated argv, copied; argv[0] is looked up in PATH. Commands get the
// environment that this process has now. With no commands nothing is forked, and every later command is
// unknown.
struct spawner *spawner_new(char *const *const *commands, size_t count, struct error *ret_error) GL_MUST_CHECK;
// Ends it and what it runs: it goes when its socket closes, so also when this process dies. All children have
// ended or were cancelled.
void spawner_free(struct spawner *spawner);
// Joins the loop; called once, before child_run.
void spawner_attach(struct spawner *spawner, struct loop *loop);
// The number of this command line; false: it was not there at start (a reload brought it: "restart").
bool spawner_find(const struct spawner *spawner, char *const *argv, size_t *ret_index, struct error *ret_error)
    GL_MUST_CHECK;

#endif
