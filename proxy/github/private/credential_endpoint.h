// Endpoints of GitHub that make, show or revoke credentials, to which no workspace gets.
#ifndef GITLATCH_CREDENTIAL_ENDPOINT_H
#define GITLATCH_CREDENTIAL_ENDPOINT_H

#include <stdbool.h>

#include <gitlatch/verdict.h>

#include "bytes.h"
#include "head.h"

// `plain` is the generous reading of a path (plain_path.h), below `/api/v3` where that stands before it.
bool credential_endpoint_names(struct bytes plain, enum head_method method);
// The verdict on such an endpoint. Always returns false.
bool credential_endpoint_refuse(struct bytes plain, struct verdict *ret_verdict);

#endif
