// The private proxy of `gitlatch run`: a process of its own, beside the command and apart from its terminal.
#ifndef GITLATCH_RUN_PROXY_H
#define GITLATCH_RUN_PROXY_H

#include <stdbool.h>
#include <sys/types.h>

#include <gitlatch/attr.h>

#include "error.h"

struct config;

struct run_proxy {
    pid_t pid;
    int lifeline;    // closed by us or by our death, it ends the proxy
    char *temporary; // the directory that is removed in the end
    char *url;       // with user and password
    char *published; // where bundle.pem is
};

// Starts it and waits until it serves. The configuration is made private (config_private.h).
bool run_proxy_start(struct config *config, struct run_proxy *ret_proxy, struct error *ret_error) GL_MUST_CHECK;
// Ends it and removes what it published.
void run_proxy_stop(struct run_proxy *proxy);

#endif
