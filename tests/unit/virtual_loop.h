// Runs a loop in virtual time: its clock jumps to whatever is due next. Days pass in milliseconds.
#ifndef GITLATCH_VIRTUAL_LOOP_H
#define GITLATCH_VIRTUAL_LOOP_H

#include "clock_manual.h"
#include "loop.h"

// Runs all timers and deferred calls that are due until `until`, each at its moment; then the clock shows
// `until`. `loop` was made with `&manual->clock`.
static inline void virtual_loop_run_until(struct loop *loop, struct clock_manual *manual, struct mono until)
{
    struct mono due;

    while (loop_next_due(loop, &due) && due.ms <= until.ms) {
        if (due.ms > manual->mono_now.ms)
            clock_manual_advance(manual, due.ms - manual->mono_now.ms);
        loop_turn(loop);
    }
    if (until.ms > manual->mono_now.ms)
        clock_manual_advance(manual, until.ms - manual->mono_now.ms);
}

// The same for the next `ms` milliseconds.
static inline void virtual_loop_run_for(struct loop *loop, struct clock_manual *manual, int64_t ms)
{
    virtual_loop_run_until(loop, manual, (struct mono){manual->mono_now.ms + ms});
}

#endif
