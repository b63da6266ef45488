// Operations of the REST API, of the uploads and GraphQL.
#ifndef GITLATCH_API_ROUTE_H
#define GITLATCH_API_ROUTE_H

#include "operation.h"
#include "plain_path.h"

// As github_operation_parse, of an operation whose host, endpoint and method are filled in; `/api/v3` is taken off
// the path. One slash at the path's end is no part of the decision; it passes unchanged.
bool api_route_parse(struct operation *operation, struct plain_path *path, enum head_method method,
                     struct verdict *ret_verdict) GL_MUST_CHECK;

#endif
