// One host that serves git over HTTPS and whose TLS ends here: a GitHub (github_host.h) or another. What the kinds differ
// in is in one table: git_host_kind.h.
#ifndef GITLATCH_GIT_HOST_H
#define GITLATCH_GIT_HOST_H

#include <stdbool.h>
#include <stdint.h>

// The kinds, one row each; the word is what `hosts[].type` says. Each but the first has a description
// `git_host_<name>_kind` (git_host_kind.h).
#define GIT_HOST_TYPES(ROW)                                                                                            \
    ROW(GITHUB, github, "github")                                                                                      \
    ROW(GITLAB, gitlab, "gitlab")                                                                                      \
    ROW(GITEA, gitea, "gitea")                                                                                         \
    ROW(BITBUCKET, bitbucket, "bitbucket")                                                                             \
    ROW(BITBUCKET_SERVER, bitbucket_server, "bitbucket-server")                                                        \
    ROW(AZURE_DEVOPS, azure_devops, "azure-devops")                                                                    \
    ROW(GERRIT, gerrit, "gerrit")                                                                                      \
    ROW(GIT, git, "git")

#define GIT_HOST_TYPE_MEMBER(NAME, name, word) GIT_HOST_##NAME,
enum git_host_type { GIT_HOST_TYPES(GIT_HOST_TYPE_MEMBER) GIT_HOST_TYPE_COUNT };
#undef GIT_HOST_TYPE_MEMBER

struct git_host {
    enum git_host_type type;
    char *web;       // identifies it, in rules, credentials and events: "github.com", "git.corp.example:8443"
    char *name;      // `web` without the port
    uint16_t port;   // 443 where `web` names none
    char *user;      // of the Basic credential; may be empty; of a GitHub NULL: x-access-token
    bool bearer;     // the credential is a Bearer token instead
    bool pages_deny; // what is neither git nor Git LFS is refused; of a GitHub the rules decide
};

// Whether the host is a GitHub; then it is the first member of a struct github_host.
static inline bool git_host_is_github(const struct git_host *host)
{
    return host->type == GIT_HOST_GITHUB;
}

#endif
