// The configuration of a private proxy, as `gitlatch run` starts it.
#ifndef GITLATCH_CONFIG_PRIVATE_H
#define GITLATCH_CONFIG_PRIVATE_H

#include "config.h"

// Takes from a configuration that nobody uses yet what is not for one command alone: it listens on a free
// loopback port, has no admin address, publishes into `directory`, keeps its CA in memory, says only what
// goes wrong, and leaves stdout alone.
void config_make_private(struct config *config, const char *directory);

// Audit events go into this file.
void config_set_audit(struct config *config, const char *path);

// Adds a credential to a configuration that has none: `name` is an environment variable, or NULL for what the
// command `argv` (ends with NULL; copied) prints.
void config_add_credential(struct config *config, const char *name, const char *const *argv);

#endif
