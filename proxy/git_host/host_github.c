// A GitHub: its requests are read by proxy/github, and its remotes' forms are certs/git_settings.c's common ones.
#include "git_host_kind.h"

extern const struct git_host_kind git_host_github_kind;

// Source: GitHub REST documentation, "Authenticating as a GitHub App installation".
const struct git_host_kind git_host_github_kind = {.user = "x-access-token"};
