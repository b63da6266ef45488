#include "audit_ring.h"

#include "text.h"

static struct {
    struct text lines[AUDIT_RING_EVENTS]; // that of number N is at N % AUDIT_RING_EVENTS
    uint64_t count;                       // the last number
    LIST_HEAD(, audit_ring_watch) watches;
} ring;

void audit_ring_add(struct bytes line)
{
    const struct audit_ring_watch *watch;
    struct text *place;

    if (line.size > AUDIT_RING_LINE_MAX)
        return;
    place = &ring.lines[++ring.count % AUDIT_RING_EVENTS];
    text_clear(place);
    text_append_bytes(place, line);
    LIST_FOREACH(watch, &ring.watches, link)
        watch->fn(watch->arg, ring.count, line);
}

void audit_ring_each(uint64_t after, audit_ring_fn *fn, void *arg)
{
    uint64_t oldest = ring.count > AUDIT_RING_EVENTS ? ring.count - AUDIT_RING_EVENTS : 0;

    // A page that was open before a restart knows numbers that are still to come.
    if (after > ring.count || after < oldest)
        after = oldest;
    for (uint64_t number = after + 1; number <= ring.count; number++)
        fn(arg, number, text_bytes(&ring.lines[number % AUDIT_RING_EVENTS]));
}

void audit_ring_watch(struct audit_ring_watch *watch)
{
    LIST_INSERT_HEAD(&ring.watches, watch, link);
}

void audit_ring_unwatch(struct audit_ring_watch *watch)
{
    LIST_REMOVE(watch, link);
}
