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

static void get_languages(const struct api_request *request, struct api_answer *answer)
{
    api_give(answer, 200, json_pack("{s:i}", "C", 1));
}

static void get_empty_list(const struct api_request *request, struct api_answer *answer)
{
    api_give(answer, 200, json_array());
}

const struct api_route api_repository_routes[] = {
    {"GET", "", API_ANYONE, "metadata", 1, get_repository},
    {"GET", "/installation", API_APP, NULL, 0, get_installation},
    {"GET", "/languages", API_ANYONE, "metadata", 1, get_languages},
    {"GET", "/collaborators", API_INSTALLATION, "metadata", 1, get_empty_list},
    {"GET", "/keys", API_INSTALLATION, "administration", 1, get_empty_list},
    {"GET", "/readme", API_ANYONE, "contents", 1, api_get_readme},
    {"GET", "/contents", API_ANYONE, "contents", 1, api_get_content},
    {"GET", "/contents/**", API_ANYONE, "contents", 1, api_get_content},
    {"PUT", "/contents/**", API_ANYONE, "contents", 2, api_put_content},
    {"GET", "/git/ref/**", API_ANYONE, "contents", 1, api_get_ref},
    {"POST", "/git/refs", API_ANYONE, "contents", 2, api_create_ref},
    {"PATCH", "/git/refs/**", API_ANYONE, "contents", 2, api_update_ref},
    {"DELETE", "/git/refs/**", API_ANYONE, "contents", 2, api_delete_ref},
    {"GET", "/branches", API_ANYONE, "contents", 1, api_list_branches},
    {"GET", "/branches/**", API_ANYONE, "contents", 1, api_get_branch},
    {"GET", "/tags", API_ANYONE, "contents", 1, api_list_tags},
    {"GET", "/commits", API_ANYONE, "contents", 1, api_list_commits},
    {"GET", "/commits/**", API_ANYONE, "contents", 1, api_get_commit},
    {"GET", "/compare/**", API_ANYONE, "contents", 1, api_compare},
    {"GET", "/tarball", API_ANYONE, "contents", 1, api_get_archive},
    {"GET", "/tarball/**", API_ANYONE, "contents", 1, api_get_archive},
    {"GET", "/zipball", API_ANYONE, "contents", 1, api_get_archive},
    {"GET", "/zipball/**", API_ANYONE, "contents", 1, api_get_archive},
    {"GET", "/issues", API_ANYONE, "issues", 1, api_list_issues},
    {"POST", "/issues", API_ANYONE, "issues", 2, api_create_issue},
    {"GET", "/issues/*", API_ANYONE, "issues", 1, api_get_issue},
    {"PATCH", "/issues/*", API_ANYONE, "issues", 2, api_update_issue},
    {"GET", "/issues/*/comments", API_ANYONE, "issues", 1, api_list_comments},
    {"POST", "/issues/*/comments", API_ANYONE, "issues", 2, api_create_comment},
    {"GET", "/pulls", API_ANYONE, "pull_requests", 1, api_list_pulls},
    {"POST", "/pulls", API_ANYONE, "pull_requests", 2, api_create_pull},
    {"GET", "/pulls/*", API_ANYONE, "pull_requests", 1, api_get_pull},
    {"PATCH", "/pulls/*", API_ANYONE, "pull_requests", 2, api_update_pull},
    {"GET", "/releases", API_ANYONE, "contents", 1, api_list_releases},
    {"POST", "/releases", API_ANYONE, "contents", 2, api_create_release},
    {"GET", "/releases/latest", API_ANYONE, "contents", 1, api_get_latest_release},
    {"GET", "/releases/tags/**", API_ANYONE, "contents", 1, api_get_release_by_tag},
    {"GET", "/releases/assets/*", API_ANYONE, "contents", 1, api_get_asset},
    {"DELETE", "/releases/assets/*", API_ANYONE, "contents", 2, api_delete_asset},
    {"GET", "/releases/*", API_ANYONE, "contents", 1, api_get_release},
    {"PATCH", "/releases/*", API_ANYONE, "contents", 2, api_update_release},
    {"DELETE", "/releases/*", API_ANYONE, "contents", 2, api_delete_release},
    {"GET", "/releases/*/assets", API_ANYONE, "contents", 1, api_list_assets},
    {"POST", "/releases/*/assets", API_ANYONE, "contents", 2, api_upload_asset},
    {0},
};
