// Audit events as server-sent events (/events of the admin address): those that are kept, then each as it comes.
#ifndef GITLATCH_ADMIN_EVENTS_H
#define GITLATCH_ADMIN_EVENTS_H

#include <gitlatch/attr.h>

#include "admin.h"

struct admin_events;
struct service_call;

// `advise` as in admin_options; NULL: none.
struct admin_events *admin_events_new(struct loop *loop, admin_advise_fn *advise, void *arg) GL_MUST_CHECK;
// After the service whose calls it has. NULL: nothing.
void admin_events_free(struct admin_events *events);
// Takes a call as another listener. False: there are too many; the call is to be answered.
bool admin_events_take(struct admin_events *events, struct service_call *call) GL_MUST_CHECK;

#endif
