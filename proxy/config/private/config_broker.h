// The lists of the `broker` section, and the checks across its keys.
#ifndef GITLATCH_CONFIG_BROKER_H
#define GITLATCH_CONFIG_BROKER_H

#include "config.h"
#include "setting_type.h"

extern const struct setting_entries config_broker_grants;  // of struct config_grant
extern const struct setting_entries config_broker_issuers; // of struct config_issuer

// Whether issuers and grants go together.
bool config_broker_check(const struct config_broker *broker, struct yaml_reader *reader) GL_MUST_CHECK;

#endif
