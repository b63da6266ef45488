#include "clock.h"

#include <stdio.h>
#include <time.h>

static int64_t read_ms(clockid_t id)
{
    struct timespec now;

    clock_gettime(id, &now);
    return now.tv_sec * SECOND_MS + now.tv_nsec / 1000000;
}

static struct mono real_mono(const struct clock *clock)
{
    return (struct mono){read_ms(CLOCK_MONOTONIC)};
}

static struct wall real_wall(const struct clock *clock)
{
    return (struct wall){read_ms(CLOCK_REALTIME)};
}

const struct clock *clock_real(void)
{
    static const struct clock real = {real_mono, real_wall};

    return &real;
}

static struct mono manual_mono(const struct clock *clock)
{
    return ((const struct clock_manual *)clock)->mono_now;
}

static struct wall manual_wall(const struct clock *clock)
{
    return ((const struct clock_manual *)clock)->wall_now;
}

void clock_manual_init(struct clock_manual *manual, struct wall wall)
{
    *manual = (struct clock_manual){.clock = {manual_mono, manual_wall}, .wall_now = wall};
}

void clock_manual_advance(struct clock_manual *manual, int64_t ms)
{
    manual->mono_now.ms += ms;
    manual->wall_now.ms += ms;
}

void clock_manual_set_wall(struct clock_manual *manual, struct wall wall)
{
    manual->wall_now = wall;
}
