// One asks, many wait: a question that is under way, and those who will be given its answer. Embedded in what is asked
// for; a waiter is embedded, as the first member, in the request of who waits.
#ifndef GITLATCH_FLIGHT_H
#define GITLATCH_FLIGHT_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/queue.h>

#include <gitlatch/attr.h>

#include "loop.h"

struct flight;

// It waits in a flight, or has its answer and waits to be called, or is idle. All members are the flight's.
struct flight_waiter {
    TAILQ_ENTRY(flight_waiter) link;
    struct flight *flight; // NULL: it does not wait
    struct deferred deferred;
};

struct flight {
    TAILQ_HEAD(, flight_waiter) waiters; // the first one came first
    size_t count;
};

void flight_init(struct flight *flight);
bool flight_is_empty(const struct flight *flight);

// `deliver` is called, from the loop, once the waiter has its answer. Idle.
void flight_waiter_init(struct flight_waiter *waiter, timer_fn *deliver, void *arg);
// Waits for the answer.
void flight_join(struct flight *flight, struct flight_waiter *waiter);
// The waiter has its answer, which its owner has put beside it: it leaves its flight, if it is in one, and is delivered
// when the loop turns.
void flight_settle(struct loop *loop, struct flight_waiter *waiter);
// It waits for nothing any more, and is not delivered.
void flight_leave(struct flight_waiter *waiter);

// Takes the one that came first off the flight, to be settled. NULL: nobody waits.
struct flight_waiter *flight_take(struct flight *flight);

#endif
