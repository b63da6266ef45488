// Azure DevOps Services and Server. Sources: learn.microsoft.com, "Use personal access tokens" (Basic, an empty user name),
// "Use SSH key authentication" (git@ssh.dev.azure.com:v3/ORGANIZATION/PROJECT/REPOSITORY), "Naming restrictions" (spaces;
// names that differ in case alone are one). A clone URL is https://dev.azure.com/ORGANIZATION/PROJECT/_git/REPOSITORY.
#include "git_host_kind.h"

#include <ctype.h>

extern const struct git_host_kind git_host_azure_devops_kind;

// The path of an SSH remote, which has `v3` at its front and no `_git`, keeps both when git rewrites its beginning.
static const struct git_host_form forms[] = {
    {"git@ssh.%s:v3/", "v3/"},
    {"ssh.%s:v3/", "v3/"},
    {"ssh://git@ssh.%s/v3/", "v3/"},
    {"ssh://git@ssh.%s:22/v3/", "v3/"},
    {"ssh://ssh.%s/v3/", "v3/"},
    {"%o@vs-ssh.visualstudio.com:v3/%o/", "v3/"},
    {"ssh://%o@vs-ssh.visualstudio.com/v3/%o/", "v3/"},
    {"http://%s/", ""},
    {NULL, NULL},
};

#define GIT_SEGMENT "/_git/"
#define GUID_SIZE   36

// v3/ORGANIZATION/PROJECT/REPOSITORY[/…] → /ORGANIZATION/PROJECT/_git/REPOSITORY[/…]; on a host of one organization
// v3/PROJECT/REPOSITORY, which git's own suffix follows at once.
static bool own_path(struct bytes path, struct text *out)
{
    struct bytes rest, parts[3], next;
    size_t count = 0;

    if (!bytes_start_with(path, BYTES("/v3/")) || bytes_contain(path, BYTES(GIT_SEGMENT)))
        return false;
    rest = bytes_skip(path, BYTES("/v3/").size);
    while (count < GL_ARRAY_SIZE(parts) && rest.size > 0) {
        bytes_cut(rest, '/', &parts[count], &next);
        if (count > 0 && (bytes_equal(parts[count], BYTES("info")) || bytes_start_with(parts[count], BYTES("git-"))))
            break;
        count++;
        rest = next;
    }
    if (count < 2)
        return false;
    for (size_t i = 0; i < count; i++)
        text_format(out, "%s%.*s", i + 1 == count ? GIT_SEGMENT : "/", (int)parts[i].size, parts[i].data);
    if (rest.size > 0)
        text_format(out, "/%.*s", (int)rest.size, rest.data);
    return true;
}

// Projects and repositories can be asked for by their ids too, of which no rule knows.
static bool has_guid(const char *path)
{
    while (*path) {
        size_t size = strcspn(path, "/"), digits = 0;

        for (size_t i = 0; i < size; i++)
            digits += isxdigit((unsigned char)path[i]) || path[i] == '-';
        if (size == GUID_SIZE && digits == GUID_SIZE && path[8] == '-' && path[13] == '-')
            return true;
        path += size + (path[size] == '/');
    }
    return false;
}

// ORGANIZATION/_git/NAME is short for ORGANIZATION/NAME/_git/NAME, and `_git/_full/NAME` and `_git/_optimized/NAME` are
// other views of NAME.
static bool make_normal(char *path)
{
    static const char *const views[] = {"_full/", "_optimized/"};
    char *git = strstr(path, GIT_SEGMENT), *name = git ? git + strlen(GIT_SEGMENT) : NULL;
    char project[OPERATION_PATH_SIZE];
    size_t front;

    if (!name || has_guid(path))
        return false;
    for (size_t i = 0; i < GL_ARRAY_SIZE(views); i++)
        if (strncmp(name, views[i], strlen(views[i])) == 0)
            memmove(name, name + strlen(views[i]), strlen(name + strlen(views[i])) + 1);
    if (!*name || strchr(name, '/'))
        return false;
    if (memchr(path, '/', (size_t)(git - path)))
        return true;
    front = (size_t)(git - path);
    if (front + 2 * strlen(name) + strlen(GIT_SEGMENT) + 2 > sizeof(project))
        return false;
    snprintf(project, sizeof(project), "%.*s/%s" GIT_SEGMENT "%s", (int)front, path, name, name);
    memcpy(path, project, strlen(project) + 1);
    return true;
}

const struct git_host_kind git_host_azure_devops_kind = {
    .user = "",
    .spaces = true,
    .bare_names = true,
    .segments = 3,
    .segments_max = GIT_HOST_SEGMENTS_MAX,
    .make_normal = make_normal,
    .own_path = own_path,
    .forms = forms,
};
