// What `gitlatch check` says of a configuration before anything is tried.
#ifndef GITLATCH_CONFIGURATION_FINDINGS_H
#define GITLATCH_CONFIGURATION_FINDINGS_H

#include <stdbool.h>

#include <gitlatch/attr.h>

#include "config.h"
#include "finding.h"

// Whether a broker's rules hold as well, or alone where there are none here.
bool configuration_has_broker_rules(const struct config *config) GL_MUST_CHECK;
// What it is, then each thing that is allowed but should be known (config_notice.h).
void configuration_findings(const struct config *config, struct findings *findings);

#endif
