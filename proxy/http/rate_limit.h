// What an answer says about when to ask again: `Retry-After` in both of its forms (RFC 9110, 10.2.3), and GitHub's
// `x-ratelimit-*` (GitHub REST documentation, "Rate limits for the REST API"). Pure.
#ifndef GITLATCH_RATE_LIMIT_H
#define GITLATCH_RATE_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

#include "bytes.h"
#include "clock.h"
#include "head.h"

// No word of an answer keeps anybody away for longer: GitHub's limits are counted by the hour.
#define RATE_LIMIT_WAIT_MAX_MS (65 * MINUTE_MS)

// The values of these fields; the empty view: it is not there.
struct rate_limit {
    struct bytes date;
    struct bytes retry_after;
    struct bytes remaining;
    struct bytes reset;
};

struct rate_limit rate_limit_of_head(const struct head *answer);

// How long the answer asks to wait, in ms: `Retry-After`, else until `x-ratelimit-reset` where nothing remains. 0: it asks
// for nothing that can be understood. Moments are by the clock of the answer's Date, without one by ours (`local`).
int64_t rate_limit_wait_ms(const struct rate_limit *limit, struct wall local);
// The same in whole seconds, rounded up.
unsigned rate_limit_wait_s(const struct rate_limit *limit, struct wall local);
// Whether an answer with this status was refused for a rate limit: 429, or a 403 that asks to wait or has nothing left.
bool rate_limit_is_reached(const struct rate_limit *limit, int status);

#endif
