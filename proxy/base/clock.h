// Time has two types, so that one is never taken for the other: `mono` for how long something takes, `wall`
// for what others say (a token's expiry, an audit event's time). Tests bring a clock of their own.
#ifndef GITLATCH_CLOCK_H
#define GITLATCH_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#include <gitlatch/attr.h>

#include "bytes.h"

#define SECOND_MS ((int64_t)1000)
#define MINUTE_MS (60 * SECOND_MS)
#define HOUR_MS   (60 * MINUTE_MS)
#define DAY_MS    (24 * HOUR_MS)

// Milliseconds since some moment before the process started; never goes back. It stands still while a laptop
// sleeps.
struct mono {
    int64_t ms;
};

// Milliseconds since 1970-01-01T00:00:00Z; goes where the system's clock is set.
struct wall {
    int64_t ms;
};

// Later than every time: "never expires".
#define WALL_NEVER ((struct wall){INT64_MAX})

struct clock {
    struct mono (*mono)(const struct clock *clock);
    struct wall (*wall)(const struct clock *clock);
};

// The system's clocks.
const struct clock *clock_real(void);

static inline struct mono clock_mono(const struct clock *clock)
{
    return clock->mono(clock);
}

static inline struct wall clock_wall(const struct clock *clock)
{
    return clock->wall(clock);
}

enum wall_precision { WALL_SECONDS, WALL_MILLISECONDS };

// "2026-04-01T12:00:00.123Z" and NUL; years 0 to 9999.
#define WALL_TEXT_SIZE 25

// RFC 3339 in UTC. A time outside the years 0 to 9999 is taken to the nearest one inside.
void wall_format_rfc3339(struct wall wall, enum wall_precision precision, char ret_text[static WALL_TEXT_SIZE]);
// "Sun, 06 Nov 1994 08:49:37 GMT" and NUL: the form of HTTP (RFC 9110, section 5.6.7). Years as above.
#define WALL_HTTP_SIZE 30
void wall_format_http_date(struct wall wall, char ret_text[static WALL_HTTP_SIZE]);
// RFC 3339 with any offset; digits of a second beyond milliseconds are dropped.
bool wall_parse_rfc3339(struct bytes text, struct wall *ret_wall) GL_MUST_CHECK;
// An HTTP date in any of its three forms (RFC 9110, section 5.6.7): Date, Retry-After. `now` resolves the
// two-digit year of the oldest form.
bool wall_parse_http_date(struct bytes text, struct wall now, struct wall *ret_wall) GL_MUST_CHECK;

#endif
