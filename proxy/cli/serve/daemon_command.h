// What the commands `proxy` and `broker` have in common: the options, and running a daemon by a configuration.
#ifndef GITLATCH_DAEMON_COMMAND_H
#define GITLATCH_DAEMON_COMMAND_H

#include <getopt.h>

#include "command.h"
#include "daemon.h"

#define DAEMON_COMMAND_SHORT_OPTIONS ":c:h"

extern const struct option daemon_command_options[];
extern const struct command_choice daemon_command_choices[];

// Reads the configuration that the options name, and serves by it until it is asked to end. `ready` is called once clients
// are served, with the configuration as its `arg`. Returns the exit status.
int daemon_command_run(const struct command *command, int argc, char **argv, const struct daemon_type *type,
                       void (*ready)(void *arg, const void *instance));

#endif
