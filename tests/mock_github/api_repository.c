// API calls about a repository itself.
#include "api.h"

// What the caller may do, as the API tells it.
static json_t *describe_permissions(const struct api_request *request, const struct repository *repository)
{
    bool read = principal_access(&request->who, repository, "contents", 1) == ACCESS_YES;
    bool write = principal_access(&request->who, repository, "contents", 2) == ACCESS_YES;
    bool admin = request->who.kind == PRINCIPAL_USER && write;

    return json_pack("{s:b,s:b,s:b,s:b,s:b}", "admin", admin, "maintain", admin, "push", write, "triage",
                     write, "pull", read);
}

static void add_urls(json_t *json, const struct virtual_host *host, const char *name)
{
    json_object_set_new(json, "html_url", json_sprintf("https://%s/%s", host->web, name));
    json_object_set_new(json, "url", json_sprintf("%s/repos/%s", host->api_url, name));
    json_object_set_new(json, "clone_url", json_sprintf("https://%s/%s.git", host->web, name));
    json_object_set_new(json, "git_url", json_sprintf("git://%s/%s.git", host->web, name));
    json_object_set_new(json, "ssh_url", json_sprintf("git@%s:%s.git", host->web, name));
    json_object_set_new(json, "contents_url",
                        json_sprintf("%s/repos/%s/contents/{+path}", host->api_url, name));
    json_object_set_new(json, "archive_url",
                        json_sprintf("%s/repos/%s/{archive_format}{/ref}", host->api_url, name));
    json_object_set_new(json, "pulls_url", json_sprintf("%s/repos/%s/pulls{/number}", host->api_url, name));
    json_object_set_new(json, "issues_url", json_sprintf("%s/repos/%s/issues{/number}", host->api_url, name));
}

json_t *api_repository(const struct api_request *request, const struct repository *repository)
{
    const struct virtual_host *host = request->call->host;
    char *name = world_full_name(repository);
    char *branch = world_default_branch(repository);
    json_t *json = json_pack(
        "{s:I,s:o,s:s,s:s,s:b,s:o,s:s,s:b,s:s,s:s,s:b,s:b,s:b,s:b,s:b,s:s,s:s,s:s,s:i,s:i,s:i}", "id",
        (json_int_t)repository->id, "node_id", json_sprintf("R_%llu", (unsigned long long)repository->id),
        "name", repository->name, "full_name", name, "private", repository->private, "owner",
        api_account(host, repository->owner), "description", repository->description, "fork", 0,
        "default_branch", branch, "visibility", repository->private ? "private" : "public", "archived", 0,
        "disabled", 0, "has_issues", 1, "has_wiki", 1, "has_downloads", 1, "created_at",
        "2024-01-01T00:00:00Z", "updated_at", "2024-01-01T00:00:00Z", "pushed_at", "2024-01-01T00:00:00Z",
        "size", 1, "stargazers_count", 0, "forks_count", 0);

    add_urls(json, host, name);
    json_object_set_new(json, "permissions", describe_permissions(request, repository));
    free(branch);
    free(name);
    return json;
}

static void get_repository(const struct api_request *request, struct api_answer *answer)
{
    api_give(answer, 200, api_repository(request, request->repository));
}

static void get_installation(const struct api_request *request, struct api_answer *answer)
{
    const struct installation *installation = world_installation_of(request->repository->owner);

    if (!installation || !world_covers(installation, request->repository)) {
        api_fail(answer, 404, "Not Found");
        return;
    }
    api_give(answer, 200,
             json_pack("{s:I,s:o,s:s,s:i,s:s,s:O,s:o}", "id", (json_int_t)installation->id, "account",
                       api_account(request->call->host, installation->account), "repository_selection",
                       installation->all_repositories ? "all" : "selected", "app_id", WORLD_APP_ID,
                       "app_slug", WORLD_APP_SLUG, "permissions", installation->permissions, "suspended_at",
                       installation->suspended ? json_string("2024-01-01T00:00:00Z") : json_null()));
}

const struct api_route api_repository_routes[] = {
    {"GET", "", API_ANYONE, "metadata", 1, get_repository},
    {"GET", "/installation", API_APP, NULL, 0, get_installation},
    {0},
};
