// Whether each git host that is no GitHub takes its credential: a fetch of the first repository that a rule names without a
// pattern is begun there.
#ifndef GITLATCH_HOST_TRIAL_H
#define GITLATCH_HOST_TRIAL_H

#include <stdbool.h>

#include "runtime.h"

struct loop;

struct host_trial_callbacks {
    void *arg;
    void (*line)(void *arg, bool ok, const char *host, const char *text);
    void (*done)(void *arg);
};

// Ends with `done`, never from inside. The runtime outlives it.
void host_trial_start(struct runtime *runtime, struct loop *loop, const struct host_trial_callbacks *callbacks);

#endif
