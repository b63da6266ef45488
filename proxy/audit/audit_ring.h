// The last audit events, for the page of the admin address: kept in memory, oldest first, and handed on as they come.
#ifndef GITLATCH_AUDIT_RING_H
#define GITLATCH_AUDIT_RING_H

#include <stddef.h>
#include <stdint.h>

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
// Calls `fn` for each event from now on; one function at a time. NULL: no longer.
void audit_ring_watch(audit_ring_fn *fn, void *arg);

#endif
