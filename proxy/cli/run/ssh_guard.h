// What git runs for SSH under `gitlatch run`.
//
// A setting of the user's can make SSH of an HTTPS remote (`url.<base>.insteadOf`, `pushInsteadOf`), in any of git's files,
// also of a repository that is cloned later, and longer prefixes win over ours. Then git would go to GitHub past the proxy,
// by the user's own key, with no rule and no audit event. GIT_SSH_COMMAND is above core.sshCommand and GIT_SSH
// (git-config(1)), so each way of git's to SSH leads here: to GitHub it is refused, to other hosts it goes on.
#ifndef GITLATCH_SSH_GUARD_H
#define GITLATCH_SSH_GUARD_H

struct config;

// Sets GIT_SSH_COMMAND in this process's environment. What the user's own was goes on being used for other hosts.
void ssh_guard_set_environment(const struct config *config);

#endif
