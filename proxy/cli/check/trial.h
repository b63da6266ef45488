// What `gitlatch check` tries: each credential, one token of each, and the way to each host. It goes the ways
// that the proxy goes, so that what works here works there.
#ifndef GITLATCH_TRIAL_H
#define GITLATCH_TRIAL_H

#include <stdbool.h>

#include "config.h"

// Prints a line for each thing that is tried, to stdout. False: one of them failed.
bool trial_run(struct config *config);

#endif
