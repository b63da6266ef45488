// Any other server that speaks git's smart HTTP protocol, such as git http-backend or soft-serve. Names are told apart by
// case, as file systems do.
#include "git_host_kind.h"

extern const struct git_host_kind git_host_git_kind;

const struct git_host_kind git_host_git_kind = {
    .user = "git",
    .exact_case = true,
    .segments = 1,
    .segments_max = GIT_HOST_SEGMENTS_MAX,
};
