#include "flight.h"

void flight_init(struct flight *flight)
{
    TAILQ_INIT(&flight->waiters);
    flight->count = 0;
}

bool flight_is_empty(const struct flight *flight)
{
    return TAILQ_EMPTY(&flight->waiters);
}

void flight_waiter_init(struct flight_waiter *waiter, timer_fn *deliver, void *arg)
{
    waiter->flight = NULL;
    deferred_init(&waiter->deferred, deliver, arg);
}

void flight_join(struct flight *flight, struct flight_waiter *waiter)
{
    waiter->flight = flight;
    TAILQ_INSERT_TAIL(&flight->waiters, waiter, link);
    flight->count++;
}

static void flight_remove(struct flight_waiter *waiter)
{
    struct flight *flight = waiter->flight;

    if (!flight)
        return;
    waiter->flight = NULL;
    TAILQ_REMOVE(&flight->waiters, waiter, link);
    flight->count--;
}

void flight_settle(struct loop *loop, struct flight_waiter *waiter)
{
    flight_remove(waiter);
    loop_defer(loop, &waiter->deferred);
}

void flight_leave(struct flight_waiter *waiter)
{
    flight_remove(waiter);
    deferred_cancel(&waiter->deferred);
}

struct flight_waiter *flight_take(struct flight *flight)
{
    struct flight_waiter *waiter = TAILQ_FIRST(&flight->waiters);

    if (waiter)
        flight_remove(waiter);
    return waiter;
}
