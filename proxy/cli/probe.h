// One blocking HTTP request to an address of our own, for commands that live for a moment.
#ifndef GITLATCH_PROBE_H
#define GITLATCH_PROBE_H

#include <stdint.h>

#include <gitlatch/attr.h>

#include "address.h"
#include "error.h"

// GETs a path and gives the status of the answer. All together takes at most `timeout_ms`.
bool probe_get(const struct address *address, const char *path, int64_t timeout_ms, int *ret_status,
               struct error *ret_error) GL_MUST_CHECK;

#endif
