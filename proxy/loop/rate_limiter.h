// How often somebody may do something, by name: each has a pace of its own.
#ifndef GITLATCH_RATE_LIMITER_H
#define GITLATCH_RATE_LIMITER_H

#include <stdbool.h>
#include <stddef.h>

#include <gitlatch/attr.h>

#include "pace.h"

struct loop;
struct rate_limiter;

// At most `names` are remembered; beyond, the one seen longest ago is forgotten.
struct rate_limiter *rate_limiter_new(struct loop *loop, struct pace_rate rate, size_t names) GL_MUST_CHECK;
void rate_limiter_free(struct rate_limiter *limiter); // NULL: nothing

// Counts one; false: it is one too many, and is not counted.
bool rate_limiter_take(struct rate_limiter *limiter, const char *name) GL_MUST_CHECK;
// Seconds, rounded up, after which one more may be counted; 0: now.
unsigned rate_limiter_wait_s(const struct rate_limiter *limiter, const char *name);

#endif
