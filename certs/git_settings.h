// The published `gitconfig`: all that git needs to reach the intercepted GitHubs through the proxy, and nothing
// that touches its way to other hosts.
#ifndef GITLATCH_GIT_SETTINGS_H
#define GITLATCH_GIT_SETTINGS_H

#include "authority.h"

// `bundle` is the path of bundle.pem; `web_hosts` are the hosts that git names ("github.com"). Owned by the caller.
char *git_settings_text(const char *proxy_url, const char *bundle, const struct host_list *web_hosts) GL_MUST_CHECK;

#endif
