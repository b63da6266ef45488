#include "loop.h"

#include <assert.h>

#include <event2/event.h>

#include "mem.h"

// How often the loop looks how late it is, and over how long the worst is kept.
#define LAG_PROBE_MS  (1 * SECOND_MS)
#define LAG_WINDOW_MS (10 * SECOND_MS)

struct loop {
    const struct clock *clock;
    struct event_base *base;
    struct event *wake;   // libevent's timer for the earliest of ours
    struct mono wake_due; // what it is set for
    bool stopped;

    struct timer **heap; // a binary heap by (due, order): heap[1] is the next; heap[0] is unused
    size_t heap_count;
    size_t heap_capacity;
    uint64_t order; // of the timer started last

    struct deferred deferred; // head of a ring of what is pending
    struct deferred running;  // head of a ring of what this turn has still to call
    struct deferred bulk;     // head of a ring of what waits for a turn of its own

    struct timer lag_probe;
    struct mono lag_window;  // when the window began
    int64_t lag_worst_ms;    // in this window
    int64_t lag_previous_ms; // in the one before
};

static void ring_init(struct deferred *head)
{
    head->next = head->previous = head;
}

static bool ring_empty(const struct deferred *head)
{
    return head->next == head;
}

static void ring_append(struct deferred *head, struct deferred *deferred)
{
    deferred->previous = head->previous;
    deferred->next = head;
    head->previous->next = deferred;
    head->previous = deferred;
}

static void on_wake(evutil_socket_t fd, short what, void *arg)
{
    // Only ends libevent's wait: what is due runs in loop_turn.
}

static void on_lag_probe(void *arg)
{
    struct loop *loop = arg;

    timer_start(&loop->lag_probe, LAG_PROBE_MS);
}

struct loop *loop_new(const struct clock *clock)
{
    struct loop *loop = mem_alloc_zero(1, sizeof(*loop));
    struct event_config *config = event_config_new();

    // Changes of interest go to the kernel once a turn. Not meant for descriptors that were dup'ed: we have
    // none.
    if (config)
        event_config_set_flag(config, EVENT_BASE_FLAG_EPOLL_USE_CHANGELIST | EVENT_BASE_FLAG_NOLOCK |
                                          EVENT_BASE_FLAG_IGNORE_ENV);
    loop->base = config ? event_base_new_with_config(config) : NULL;
    if (config)
        event_config_free(config);
    if (!loop->base) {
        mem_free(loop);
        return NULL;
    }
    loop->clock = clock;
    loop->wake = evtimer_new(loop->base, on_wake, loop);
    ring_init(&loop->deferred);
    ring_init(&loop->running);
    ring_init(&loop->bulk);
    timer_init(&loop->lag_probe, loop, on_lag_probe, loop);
    return loop;
}

void loop_free(struct loop *loop)
{
    if (!loop)
        return;
    event_free(loop->wake);
    event_base_free(loop->base);
    mem_free(loop->heap);
    mem_free(loop);
}

struct event_base *loop_event_base(struct loop *loop)
{
    return loop->base;
}

const struct clock *loop_clock(const struct loop *loop)
{
    return loop->clock;
}

struct mono loop_now(const struct loop *loop)
{
    return clock_mono(loop->clock);
}

int64_t loop_lag_ms(const struct loop *loop)
{
    return loop->lag_worst_ms > loop->lag_previous_ms ? loop->lag_worst_ms : loop->lag_previous_ms;
}

// By the clock, not by the turn's beginning: a callback before this one in the same turn may have been the slow one.
static void note_lag(struct loop *loop, const struct timer *timer)
{
    struct mono now = loop_now(loop);
    int64_t late_ms = now.ms - timer->due.ms;

    if (now.ms - loop->lag_window.ms >= LAG_WINDOW_MS) {
        loop->lag_window = now;
        loop->lag_previous_ms = loop->lag_worst_ms;
        loop->lag_worst_ms = 0;
    }
    if (late_ms > loop->lag_worst_ms)
        loop->lag_worst_ms = late_ms;
}

bool loop_next_due(const struct loop *loop, struct mono *ret_due)
{
    if (!ring_empty(&loop->deferred) || !ring_empty(&loop->bulk))
        *ret_due = loop_now(loop);
    else if (loop->heap_count)
        *ret_due = loop->heap[1]->due;
    else
        return false;
    return true;
}

static void run_timers(struct loop *loop)
{
    struct mono now = loop_now(loop);
    uint64_t last = loop->order; // what a timer starts anew, even with no delay, waits for the next turn

    while (loop->heap_count) {
        struct timer *timer = loop->heap[1];

        if (timer->due.ms > now.ms || timer->order > last)
            break;
        note_lag(loop, timer);
        timer_stop(timer);
        timer->fn(timer->arg);
    }
}

static void run_deferred(struct loop *loop)
{
    // The whole ring changes its head; what is deferred from now on goes to the other.
    while (!ring_empty(&loop->deferred)) {
        struct deferred *deferred = loop->deferred.next;

        deferred_cancel(deferred);
        ring_append(&loop->running, deferred);
    }
    while (!ring_empty(&loop->running)) {
        struct deferred *deferred = loop->running.next;

        deferred_cancel(deferred);
        deferred->fn(deferred->arg);
    }
}

static void run_bulk(struct loop *loop)
{
    struct deferred *deferred = loop->bulk.next;

    if (ring_empty(&loop->bulk))
        return;
    deferred_cancel(deferred);
    deferred->fn(deferred->arg);
}

void loop_turn(struct loop *loop)
{
    run_timers(loop);
    run_deferred(loop);
    run_bulk(loop);
}

// Sets libevent's timer to our earliest one. A wake that comes too early (its timer was stopped) costs one
// turn.
static void set_wake(struct loop *loop)
{
    struct mono due;
    int64_t ms;

    if (!loop_next_due(loop, &due))
        return;
    if (event_pending(loop->wake, EV_TIMEOUT, NULL) && due.ms == loop->wake_due.ms)
        return;
    ms = due.ms - loop_now(loop).ms;
    ms = ms < 0 ? 0 : ms;
    event_add(loop->wake, &(struct timeval){.tv_sec = ms / SECOND_MS, .tv_usec = ms % SECOND_MS * 1000});
    loop->wake_due = due;
}

void loop_run(struct loop *loop)
{
    loop->stopped = false;
    timer_start(&loop->lag_probe, LAG_PROBE_MS);
    while (!loop->stopped) {
        int flags = EVLOOP_ONCE | EVLOOP_NO_EXIT_ON_EMPTY;

        if (!ring_empty(&loop->deferred) || !ring_empty(&loop->bulk))
            flags |= EVLOOP_NONBLOCK;
        else
            set_wake(loop);
        event_base_loop(loop->base, flags);
        loop_turn(loop);
    }
    timer_stop(&loop->lag_probe);
}

void loop_stop(struct loop *loop)
{
    loop->stopped = true;
}

static bool earlier(const struct timer *a, const struct timer *b)
{
    return a->due.ms < b->due.ms || (a->due.ms == b->due.ms && a->order < b->order);
}

static void heap_put(struct loop *loop, size_t position, struct timer *timer)
{
    loop->heap[position] = timer;
    timer->position = position;
}

static void heap_rise(struct loop *loop, struct timer *timer, size_t position)
{
    while (position > 1 && earlier(timer, loop->heap[position / 2])) {
        heap_put(loop, position, loop->heap[position / 2]);
        position /= 2;
    }
    heap_put(loop, position, timer);
}

static void heap_sink(struct loop *loop, struct timer *timer, size_t position)
{
    for (;;) {
        size_t child = 2 * position;

        if (child < loop->heap_count && earlier(loop->heap[child + 1], loop->heap[child]))
            child++;
        if (child > loop->heap_count || !earlier(loop->heap[child], timer))
            break;
        heap_put(loop, position, loop->heap[child]);
        position = child;
    }
    heap_put(loop, position, timer);
}

void timer_init(struct timer *timer, struct loop *loop, timer_fn *fn, void *arg)
{
    *timer = (struct timer){.loop = loop, .fn = fn, .arg = arg};
}

void timer_start(struct timer *timer, int64_t delay_ms)
{
    struct loop *loop = timer->loop;

    timer_stop(timer);
    timer->due = loop_now(loop);
    if (__builtin_add_overflow(timer->due.ms, delay_ms > 0 ? delay_ms : 0, &timer->due.ms))
        timer->due.ms = INT64_MAX;
    timer->order = ++loop->order;
    // One place more than there are timers, since places are counted from 1.
    loop->heap = mem_grow(loop->heap, &loop->heap_capacity, loop->heap_count + 2, sizeof(struct timer *));
    heap_rise(loop, timer, ++loop->heap_count);
}

void timer_stop(struct timer *timer)
{
    struct loop *loop = timer->loop;
    size_t position = timer->position;
    struct timer *last;

    if (!position)
        return;
    timer->position = 0;
    last = loop->heap[loop->heap_count--];
    if (last == timer)
        return;
    // The last one takes the empty place, and goes up or down from there.
    if (position > 1 && earlier(last, loop->heap[position / 2]))
        heap_rise(loop, last, position);
    else
        heap_sink(loop, last, position);
}

bool timer_pending(const struct timer *timer)
{
    return timer->position != 0;
}

void deferred_init(struct deferred *deferred, timer_fn *fn, void *arg)
{
    *deferred = (struct deferred){.fn = fn, .arg = arg};
}

void loop_defer(struct loop *loop, struct deferred *deferred)
{
    if (!deferred->next)
        ring_append(&loop->deferred, deferred);
}

void loop_queue_bulk(struct loop *loop, struct deferred *deferred)
{
    if (!deferred->next)
        ring_append(&loop->bulk, deferred);
}

void deferred_cancel(struct deferred *deferred)
{
    if (!deferred->next)
        return;
    deferred->previous->next = deferred->next;
    deferred->next->previous = deferred->previous;
    deferred->next = deferred->previous = NULL;
}

bool deferred_pending(const struct deferred *deferred)
{
    return deferred->next != NULL;
}
