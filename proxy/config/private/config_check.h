// What no single key can say: the checks across keys.
#ifndef GITLATCH_CONFIG_CHECK_H
#define GITLATCH_CONFIG_CHECK_H

#include "config.h"
#include "yaml_reader.h"

// The reader is at the root of the file that the configuration was read from.
// Lowers `limits.connections` to what the hard limit of descriptors allows, for a configuration that does not name it.
void config_fit_connections(struct config *config);
bool config_check(const struct config *config, enum config_use use, struct yaml_reader *reader) GL_MUST_CHECK;

#endif
