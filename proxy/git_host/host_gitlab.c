// GitLab. Sources: docs.gitlab.com, "Git over HTTPS" (any user name goes with a token; `oauth2` also with one of OAuth),
// "Reserved project and group names", "Git Large File Storage"; in GitLab's source config/routes/git_http.rb
// (gitlab-lfs/objects) and lfs_api_controller.rb (a batch answer's header is the request's Authorization). Paths are found
// without regard to case (Routable.find_by_full_path).
#include "git_host_kind.h"

extern const struct git_host_kind git_host_gitlab_kind;

// GitLab.com takes SSH on port 443, too (docs.gitlab.com, "Use an alternative hostname for SSH").
static const struct git_host_form forms[] = {
    GIT_HOST_COMMON_FORMS,
    {"ssh://git@altssh.%s:443/", ""},
    {"git@altssh.%s:", ""},
    {NULL, NULL},
};

const struct git_host_kind git_host_gitlab_kind = {
    .user = "oauth2",
    .wikis = true,
    .segments = 2,
    .segments_max = GIT_HOST_SEGMENTS_MAX,
    .routes =
        {
            {"gitlab-lfs/objects/@", OPERATION_LFS_DOWNLOAD, METHOD_GET},
            {"gitlab-lfs/objects/@/#", OPERATION_LFS_UPLOAD, METHOD_PUT},
        },
    .forms = forms,
};
