// Bitbucket Cloud. Sources: support.atlassian.com, "Using access tokens" (user x-token-auth), "Set up SSH keys"
// (altssh.bitbucket.org:443). Workspaces and repositories are slugs in lower case, which are found in any.
#include "git_host_kind.h"

extern const struct git_host_kind git_host_bitbucket_kind;

static const struct git_host_form forms[] = {
    GIT_HOST_COMMON_FORMS,
    {"ssh://git@altssh.%s:443/", ""},
    {"git@altssh.%s:", ""},
    {NULL, NULL},
};

const struct git_host_kind git_host_bitbucket_kind = {
    .user = "x-token-auth",
    .segments = 2,
    .segments_max = 2,
    .forms = forms,
};
