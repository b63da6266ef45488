// The published `gitconfig`: all that git and git-lfs need to reach the intercepted GitHubs, and github.com's
// object hosts, through the proxy. Their way to any other host stays as it is.
#ifndef GITLATCH_GIT_SETTINGS_H
#define GITLATCH_GIT_SETTINGS_H

#include "name_list.h"
#include "remote_host.h"
#include "text.h"

// `ca` is the path of ca.pem: at the `web_hosts`, which are those that git names, nobody else is met, so nobody else is
// trusted; and reading the system's roots too takes git more time than all else that it does in a short command.
// Owned by the caller.
char *git_settings_text(const char *proxy_url, const char *ca, const struct name_list *web_hosts) GL_MUST_CHECK;

// Appends the same for a git host that is no GitHub.
void git_settings_append_remote_host(struct text *text, const struct remote_host *host, const char *proxy_url,
                                     const char *ca);

// The settings by which git signs commits: the published `directory` holds the program and the list of signers,
// `public_key` is "ssh-ed25519 AAAA…". Owned by the caller.
char *git_settings_signing_text(const char *directory, const char *public_key) GL_MUST_CHECK;

#endif
