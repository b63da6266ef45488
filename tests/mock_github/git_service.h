// git over HTTP, and the LFS API, as github.com serves them.
#ifndef GITLATCH_GIT_SERVICE_H
#define GITLATCH_GIT_SERVICE_H

#include "call.h"
#include "principal.h"

// Answers the call, where its path is one of git's or LFS's; else false.
bool git_service_serve(struct call *call);

// What a path /O/R/… leads to, for a permission and level. Under the world's lock.
struct git_access {
    struct principal who;
    struct repository *repository; // set, and the rest too, only where `status` is 200 or 301
    bool wiki;
    int status; // 200: go on; else what to answer
    char *text; // with it, owned by the caller
};

struct git_access git_service_access(struct call *call, const char *permission, int level);

#endif
