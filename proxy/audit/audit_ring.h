// The last audit events, for the page of the admin address: kept in memory, oldest first, and handed on as they come.
#ifndef GITLATCH_AUDIT_RING_H
#define GITLATCH_AUDIT_RING_H

#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "bytes.h"

#define AUDIT_RING_EVENTS 200
// A longer event (a push of many refs) is not kept: 200 of them are at most 1.6 MiB.
#define AUDIT_RING_LINE_MAX (8 * KIB)

// `number` counts the events since the start, from 1; `line` is one JSON object, valid during the call.
typedef void audit_ring_fn(void *arg, uint64_t number, struct bytes line);

// For audit.c alone.
void audit_ring_add(struct bytes line);
// Calls `fn` for each event that is kept and whose number is above `after`.
void audit_ring_each(uint64_t after, audit_ring_fn *fn, void *arg);
// Calls the watch's `fn` for each event from now on. The watch is the caller's, and stays until it is taken away.
struct audit_ring_watch {
    LIST_ENTRY(audit_ring_watch) link; // the ring's
    audit_ring_fn *fn;
    void *arg;
};
void audit_ring_watch(struct audit_ring_watch *watch);
void audit_ring_unwatch(struct audit_ring_watch *watch);

#endif
