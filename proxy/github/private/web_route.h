// Operations below the web host: git, Git LFS, pages.
#ifndef GITLATCH_WEB_ROUTE_H
#define GITLATCH_WEB_ROUTE_H

#include "operation.h"
#include "plain_path.h"

// As github_operation_parse, of an operation whose host, endpoint and method are filled in.
bool web_route_parse(struct operation *operation, const struct plain_path *path, enum head_method method,
                     const struct target *target, struct verdict *ret_verdict) GL_MUST_CHECK;
// The same for what can only be a page.
bool web_route_parse_page(struct operation *operation, const struct plain_path *path, enum head_method method,
                          struct verdict *ret_verdict) GL_MUST_CHECK;

#endif
