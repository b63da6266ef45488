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
