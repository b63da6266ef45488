// A clock that moves only when a test moves it. `&manual->clock` is what it shows to others.
#ifndef GITLATCH_CLOCK_MANUAL_H
#define GITLATCH_CLOCK_MANUAL_H

#include "clock.h"

struct clock_manual {
    struct clock clock;
    struct mono mono_now;
    struct wall wall_now;
};

static inline struct mono clock_manual_mono(const struct clock *clock)
{
    return ((const struct clock_manual *)clock)->mono_now;
}

static inline struct wall clock_manual_wall(const struct clock *clock)
{
    return ((const struct clock_manual *)clock)->wall_now;
}

static inline void clock_manual_init(struct clock_manual *manual, struct wall wall)
{
    *manual = (struct clock_manual){.clock = {clock_manual_mono, clock_manual_wall}, .wall_now = wall};
}

// Both clocks go on.
static inline void clock_manual_advance(struct clock_manual *manual, int64_t ms)
{
    manual->mono_now.ms += ms;
    manual->wall_now.ms += ms;
}

// The wall clock alone is set, as by an administrator or NTP.
static inline void clock_manual_set_wall(struct clock_manual *manual, struct wall wall)
{
    manual->wall_now = wall;
}

#endif
