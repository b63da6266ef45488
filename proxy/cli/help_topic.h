// What can be read beside a command's own help: the configuration's reference, its JSON Schema, the reasons.
#ifndef GITLATCH_HELP_TOPIC_H
#define GITLATCH_HELP_TOPIC_H

#include <stdbool.h>

#include <gitlatch/attr.h>

#include "command.h"

#define HELP_TOPICS "config reasons schema"

bool help_topic_exists(const char *name);
// Prints a topic that exists. False: it did not reach stdout.
bool help_topic_print(const char *name) GL_MUST_CHECK;
// For `--help[=TOPIC]` of a command; NULL: its own help. Gives the exit status.
int help_topic_option(const struct command *command, const char *name);

#endif
