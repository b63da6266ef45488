// The spawner for what a configuration runs: `command` credentials and `sign_command`.
#ifndef GITLATCH_CONFIG_SPAWNER_H
#define GITLATCH_CONFIG_SPAWNER_H

#include "config.h"
#include "spawner.h"

// As spawner_new, with all commands of the configuration.
struct spawner *config_spawner_new(const struct config *config, struct error *ret_error) GL_MUST_CHECK;

#endif
