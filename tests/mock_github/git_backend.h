// Runs `git http-backend` for a call: CGI (RFC 3875), streamed both ways.
#ifndef GITLATCH_GIT_BACKEND_H
#define GITLATCH_GIT_BACKEND_H

#include "call.h"

struct git_backend_job {
    char *directory;    // of the bare repository
    const char *suffix; // "info/refs", "git-upload-pack", "git-receive-pack"
    bool may_change_workflows;
};

void git_backend_run(struct call *call, const struct git_backend_job *job);

#endif
