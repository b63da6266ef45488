// The query of info/refs, in which git names the service.
#ifndef GITLATCH_SERVICE_QUERY_H
#define GITLATCH_SERVICE_QUERY_H

#include "operation.h"

// OPERATION_FETCH_REFS or OPERATION_PUSH_REFS. Refused are a query that two servers could read differently, and the dumb
// protocol.
bool service_query_parse(struct bytes query, enum operation_kind *ret_kind, struct verdict *ret_verdict) GL_MUST_CHECK;

#endif
