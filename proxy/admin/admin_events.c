#include "admin_events.h"

#include <stdlib.h>

#include "audit_ring.h"
#include "loop.h"
#include "mem.h"
#include "service.h"
#include "text.h"

// Fewer than the connections of the admin address: a kubelet's probe must find one.
#define LISTENERS_MAX 16
// A comment that finds out which listeners are gone, and keeps proxies between from closing what is idle.
#define HEARTBEAT_MS (15 * SECOND_MS)

struct listener {
    struct admin_events *events;
    struct listener *next, *previous;
    struct service_call *call;
};

struct admin_events {
    admin_advise_fn *advise;
    void *advise_arg;
    struct listener *listeners;
    size_t count;
    struct timer heartbeat;
    struct audit_ring_watch watch;
};

static void on_admin_events_gone(void *arg)
{
    struct listener *listener = arg;

    if (listener->next)
        listener->next->previous = listener->previous;
    *(listener->previous ? &listener->previous->next : &listener->events->listeners) = listener->next;
    listener->events->count--;
    mem_free(listener);
}

static void append_event(const struct admin_events *events, uint64_t number, struct bytes line, struct text *text)
{
    text_format(text, "id: %llu\ndata: {\"event\":", (unsigned long long)number);
    text_append_bytes(text, line);
    if (events->advise)
        events->advise(events->advise_arg, line, text);
    text_append(text, "}\n\n");
}

static void send_all(struct admin_events *events, struct bytes bytes)
{
    struct listener *next;

    for (struct listener *listener = events->listeners; listener; listener = next) {
        next = listener->next;
        if (!service_stream_send(listener->call, bytes))
            continue; // it is gone, and so is the listener
    }
}

static void on_event(void *arg, uint64_t number, struct bytes line)
{
    struct admin_events *events = arg;
    struct text text = {0};

    if (!events->listeners)
        return;
    append_event(events, number, line, &text);
    send_all(events, text_bytes(&text));
    text_free(&text);
}

static void on_heartbeat(void *arg)
{
    struct admin_events *events = arg;

    send_all(events, BYTES(":\n\n"));
    timer_start(&events->heartbeat, HEARTBEAT_MS);
}

struct kept_events {
    const struct admin_events *events;
    struct text text;
};

static void append_kept(void *arg, uint64_t number, struct bytes line)
{
    struct kept_events *kept = arg;

    append_event(kept->events, number, line, &kept->text);
}

bool admin_events_take(struct admin_events *events, struct service_call *call)
{
    struct kept_events kept = {.events = events};
    struct listener *listener;

    if (events->count == LISTENERS_MAX)
        return false;
    listener = mem_alloc_zero(1, sizeof(*listener));
    listener->events = events;
    listener->call = call;
    listener->next = events->listeners;
    if (listener->next)
        listener->next->previous = listener;
    events->listeners = listener;
    events->count++;
    service_call_watch(call, on_admin_events_gone, listener);
    service_stream_begin(call, BYTES("text/event-stream"));
    audit_ring_each(0, append_kept, &kept);
    if (!service_stream_send(call, text_bytes(&kept.text)))
        abort(); // 200 events of AUDIT_RING_LINE_MAX fit
    text_free(&kept.text);
    return true;
}

struct admin_events *admin_events_new(struct loop *loop, admin_advise_fn *advise, void *arg)
{
    struct admin_events *events = mem_alloc_zero(1, sizeof(*events));

    events->advise = advise;
    events->advise_arg = arg;
    timer_init(&events->heartbeat, loop, on_heartbeat, events);
    timer_start(&events->heartbeat, HEARTBEAT_MS);
    events->watch = (struct audit_ring_watch){.fn = on_event, .arg = events};
    audit_ring_watch(&events->watch);
    return events;
}

void admin_events_free(struct admin_events *events)
{
    if (!events)
        return;
    audit_ring_unwatch(&events->watch);
    timer_stop(&events->heartbeat);
    mem_free(events);
}
