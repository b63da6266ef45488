// A rate with a burst: so many at once, then one every interval (GCRA, the "virtual scheduling" of ITU-T I.371). One
// moment is all it remembers.
#ifndef GITLATCH_PACE_H
#define GITLATCH_PACE_H

#include <stdbool.h>
#include <stdint.h>

#include <gitlatch/attr.h>

#include "clock.h"

struct pace_rate {
    int64_t interval_ms;
    int64_t burst; // at least 1
};

// All zero is one that was never used.
struct pace {
    struct mono full; // when the whole burst is there again
};

// Takes one; false: not now.
bool pace_take(struct pace *pace, const struct pace_rate *rate, struct mono now) GL_MUST_CHECK;
// Milliseconds until one can be taken; 0: now.
int64_t pace_wait_ms(const struct pace *pace, const struct pace_rate *rate, struct mono now);

#endif
