// Gerrit. Sources: gerrit-review.googlesource.com, "Gerrit Code Review - Uploading Changes" (HTTP password of an account,
// SSH on port 29418) and "Project Configuration"; GitOverHttpServlet.URL_REGEX: `/a/` (signed in) and `/p/` before a project's
// name are no part of it. Names are told apart by case. `user` is the account that the HTTP password belongs to.
#include "git_host_kind.h"

extern const struct git_host_kind git_host_gerrit_kind;

static const struct git_host_form forms[] = {
    {"ssh://%s:29418/", "a/"},
    {"ssh://git@%s:29418/", "a/"},
    {"http://%s/", ""},
    {NULL, NULL},
};

static void cut_front(char *path, const char *front)
{
    size_t size = strlen(front);

    if (strncmp(path, front, size) == 0)
        memmove(path, path + size, strlen(path + size) + 1);
}

static bool make_normal(char *path)
{
    cut_front(path, "a/");
    cut_front(path, "p/");
    return path[0] != '\0';
}

const struct git_host_kind git_host_gerrit_kind = {
    .user = "git",
    .exact_case = true,
    .front = "a/",
    .bare_names = true,
    .segments = 1,
    .segments_max = GIT_HOST_SEGMENTS_MAX,
    .make_normal = make_normal,
    .forms = forms,
};
