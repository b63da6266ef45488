// What `gitlatch check` tries: each credential, one token of each, and the way to each host. It goes the ways
// that the proxy goes, so that what works here works there.
#ifndef GITLATCH_TRIAL_H
#define GITLATCH_TRIAL_H

#include <stdbool.h>

#include "config.h"
#include "finding.h"

// Adds a finding for each thing that is tried.
void trial_run(struct config *config, struct findings *findings);

#endif
