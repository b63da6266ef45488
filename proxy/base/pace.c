#include "pace.h"

int64_t pace_wait_ms(const struct pace *pace, const struct pace_rate *rate, struct mono now)
{
    int64_t wait_ms = pace->full.ms - rate->interval_ms * (rate->burst - 1) - now.ms;

    return wait_ms > 0 ? wait_ms : 0;
}

bool pace_take(struct pace *pace, const struct pace_rate *rate, struct mono now)
{
    if (pace_wait_ms(pace, rate, now) > 0)
        return false;
    pace->full.ms = (pace->full.ms > now.ms ? pace->full.ms : now.ms) + rate->interval_ms;
    return true;
}
