// What git and git-lfs ask of a host that is no GitHub: a path is a repository's name and a suffix that git writes; all
// others are pages. Sources: gitprotocol-http(5); git-lfs docs/api.
#ifndef GITLATCH_GIT_HOST_ROUTE_H
#define GITLATCH_GIT_HOST_ROUTE_H

#include "git_host_kind.h"

// As git_host_read.
bool git_host_route_parse(const struct git_host *host, enum head_method method, const struct target *target,
                          struct operation *ret_operation, struct verdict *ret_verdict) GL_MUST_CHECK;

#endif
