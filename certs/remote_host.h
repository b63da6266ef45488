// A git host that is no GitHub, as the workspace's git must know it: its name, and which remotes lead to it.
#ifndef GITLATCH_REMOTE_HOST_H
#define GITLATCH_REMOTE_HOST_H

#include <gitlatch/attr.h>

#include "name_list.h"

struct remote_host {
    const char *web;        // "git.corp.example:8443"
    struct name_list forms; // how remotes begin that are no https:// URL: "git@git.corp.example:"
    struct name_list below; // what each becomes, after "https://WEB/"
};

// A copy that owns all; give it to remote_hosts_free.
struct remote_host *remote_hosts_copy(const struct remote_host *hosts, size_t count) GL_MUST_CHECK;
void remote_hosts_free(struct remote_host *copy, size_t count);

#endif
