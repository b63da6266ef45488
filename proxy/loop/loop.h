// The event loop: readiness from libevent, timers and deferred calls of our own, all on one clock. A test
// that gives a clock of its own and calls loop_turn itself (see tests/unit/virtual_loop.h) runs days in
// milliseconds.
//
// Handles no signals: who wants one adds an event to loop_event_base.
#ifndef GITLATCH_LOOP_H
#define GITLATCH_LOOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <gitlatch/attr.h>

#include "clock.h"

struct event_base;
struct loop;

// `clock` outlives the loop.
struct loop *loop_new(const struct clock *clock) GL_MUST_CHECK;
// Timers and deferred calls that are still pending are forgotten, not called.
void loop_free(struct loop *loop);
// Runs until loop_stop is called (from a callback).
void loop_run(struct loop *loop);
void loop_stop(struct loop *loop);

// For descriptors and signals: event_new(loop_event_base(loop), fd, …). Its owner frees the event before the
// loop.
struct event_base *loop_event_base(struct loop *loop);
const struct clock *loop_clock(const struct loop *loop);
struct mono loop_now(const struct loop *loop);
// The worst delay with which something due was run in the last 10 to 20 seconds, in ms.
int64_t loop_lag_ms(const struct loop *loop);

// Runs what is due by the loop's clock: timers, then calls deferred before this turn. loop_run calls it.
void loop_turn(struct loop *loop);
// When the next timer is due (now, where a call is deferred); false: nothing is pending.
bool loop_next_due(const struct loop *loop, struct mono *ret_due);

typedef void timer_fn(void *arg);

// Embedded by its owner; all members are the loop's. It is stopped before its owner is freed.
struct timer {
    struct loop *loop;
    timer_fn *fn;
    void *arg;
    struct mono due;
    uint64_t order;  // of two that are due together the one started first runs first
    size_t position; // in the loop's heap, counted from 1; 0: not pending
};

void timer_init(struct timer *timer, struct loop *loop, timer_fn *fn, void *arg);
// Calls `fn` once, `delay_ms` from now (0: when the loop turns); started again, it is set anew. Cheap: no
// system call.
void timer_start(struct timer *timer, int64_t delay_ms);
// Does nothing where it is not pending (also in a timer that is all zero).
void timer_stop(struct timer *timer);
bool timer_pending(const struct timer *timer);

// A call that is made once the loop turns, so that nobody is called back from inside the function he called.
// Embedded by its owner, and cancelled before its owner is freed.
struct deferred {
    struct deferred *next; // NULL: not pending
    struct deferred *previous;
    timer_fn *fn;
    void *arg;
};

void deferred_init(struct deferred *deferred, timer_fn *fn, void *arg);
// Does nothing where it is pending already. What is deferred by a deferred call runs in the next turn.
void loop_defer(struct loop *loop, struct deferred *deferred);
// The same for a stretch of long work, of which each turn runs one, in order: between two of them everything runs that is
// short and ready.
void loop_queue_bulk(struct loop *loop, struct deferred *deferred);
void deferred_cancel(struct deferred *deferred);
bool deferred_pending(const struct deferred *deferred);

#endif
