// Gitea, Forgejo and Gogs. Sources: docs.gitea.com, "API Usage" (a token stands in for the password, under any user name);
// Gitea's services/lfs/server.go: a batch answer's header is the request's Authorization. Owners and repositories are found
// by their names in lower case (models/user: lower_name, models/repo: lower_name). Gogs wants the account's own name: `user`.
#include "git_host_kind.h"

extern const struct git_host_kind git_host_gitea_kind;

const struct git_host_kind git_host_gitea_kind = {
    .user = "oauth2",
    .wikis = true,
    .segments = 2,
    .segments_max = GIT_HOST_SEGMENTS_MAX, // it may live below a path (ROOT_URL)
};
