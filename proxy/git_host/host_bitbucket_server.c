// Bitbucket Data Center (Server). Source: confluence.atlassian.com, "HTTP access tokens": a project's or a repository's is
// taken with Bearer authentication alone, an account's also as the password of its name. Project keys and slugs are found
// without regard to case. A clone URL is https://HOST[/CONTEXT]/scm/KEY/SLUG.git, or with ~USER for KEY.
#include "git_host_kind.h"

extern const struct git_host_kind git_host_bitbucket_server_kind;

static const struct git_host_form forms[] = {
    {"ssh://git@%s:7999/", "scm/"},
    {"ssh://%s:7999/", "scm/"},
    {"ssh://git@%s/", "scm/"},
    {"git@%s:", "scm/"},
    {"http://%s/", ""},
    {NULL, NULL},
};

static bool make_normal(char *path)
{
    const char *scm = strncmp(path, "scm/", strlen("scm/")) == 0 ? path : strstr(path, "/scm/");
    const char *below = scm ? strstr(scm, "scm/") + strlen("scm/") : "";
    const char *slash = strchr(below, '/');

    return slash && slash[1] && !strchr(slash + 1, '/');
}

const struct git_host_kind git_host_bitbucket_server_kind = {
    .user = "x-token-auth",
    .bearer = true,
    .segments = 3,
    .segments_max = GIT_HOST_SEGMENTS_MAX,
    .make_normal = make_normal,
    .forms = forms,
};
