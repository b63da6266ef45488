// What of a broker's configuration is tried where it is to run: its certificate, and the files that it reads.
#ifndef GITLATCH_BROKER_TRIAL_H
#define GITLATCH_BROKER_TRIAL_H

#include <stdbool.h>

#include "config.h"

struct loop;

// `key` of the configuration, and what was found or what is wrong with it.
typedef void broker_trial_fn(void *arg, bool ok, const char *key, const char *text);

// Reports each, from inside.
void broker_trial(struct loop *loop, const struct config *config, broker_trial_fn *line, void *arg);

#endif
