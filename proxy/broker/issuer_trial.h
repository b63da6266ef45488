// Whether the key set of each issuer can be had: `gitlatch check`.
#ifndef GITLATCH_ISSUER_TRIAL_H
#define GITLATCH_ISSUER_TRIAL_H

#include <stdbool.h>

#include "config.h"

struct dialer;
struct loop;

// `key` of the configuration, and what was found or what is wrong with it.
typedef void issuer_trial_fn(void *arg, bool ok, const char *key, const char *text);

// Reads or fetches the keys as a broker would, all at a time, and calls `line` for each issuer. Runs the loop until the
// last of them has come.
void issuer_trial(struct loop *loop, struct dialer *dialer, const struct config_broker *broker, issuer_trial_fn *line,
                  void *arg);

#endif
