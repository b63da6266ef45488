// API calls about a repository itself.
#include "api.h"

// What the caller may do, as the API tells it.
static json_t *describe_permissions(const struct api_request *request, const struct repository *repository)
{
    bool read = principal_access(&request->who, repository, "contents", 1) == ACCESS_YES;
    bool write = principal_access(&request->who, repository, "contents", 2) == ACCESS_YES;
    bool admin = request->who.kind == PRINCIPAL_USER && write;

    return json_pack("{s:b,s:b,s:b,s:b,s:b}", "admin", admin, "maintain", admin, "push", write, "triage", write, "pull",
                     read);
}

static void add_urls(json_t *json, const struct virtual_host *host, const char *name)
{
    static const struct {
        const char *key;
        const char *path;
    } urls[] = {
        {"url", ""},
        {"archive_url", "/{archive_format}{/ref}"},
        {"assignees_url", "/assignees{/user}"},
        {"blobs_url", "/git/blobs{/sha}"},
        {"branches_url", "/branches{/branch}"},
        {"collaborators_url", "/collaborators{/collaborator}"},
        {"comments_url", "/comments{/number}"},
        {"commits_url", "/commits{/sha}"},
        {"compare_url", "/compare/{base}...{head}"},
        {"contents_url", "/contents/{+path}"},
        {"contributors_url", "/contributors"},
        {"deployments_url", "/deployments"},
        {"downloads_url", "/downloads"},
        {"events_url", "/events"},
        {"forks_url", "/forks"},
        {"git_commits_url", "/git/commits{/sha}"},
        {"git_refs_url", "/git/refs{/sha}"},
        {"git_tags_url", "/git/tags{/sha}"},
        {"hooks_url", "/hooks"},
        {"issue_comment_url", "/issues/comments{/number}"},
        {"issue_events_url", "/issues/events{/number}"},
        {"issues_url", "/issues{/number}"},
        {"keys_url", "/keys{/key_id}"},
        {"labels_url", "/labels{/name}"},
        {"languages_url", "/languages"},
        {"merges_url", "/merges"},
        {"milestones_url", "/milestones{/number}"},
        {"notifications_url", "/notifications{?since,all,participating}"},
        {"pulls_url", "/pulls{/number}"},
        {"releases_url", "/releases{/id}"},
        {"stargazers_url", "/stargazers"},
        {"statuses_url", "/statuses/{sha}"},
        {"subscribers_url", "/subscribers"},
        {"subscription_url", "/subscription"},
        {"tags_url", "/tags"},
        {"teams_url", "/teams"},
        {"trees_url", "/git/trees{/sha}"},
    };

    for (size_t i = 0; i < GL_ARRAY_SIZE(urls); i++)
        json_object_set_new(json, urls[i].key, json_sprintf("%s/repos/%s%s", host->api_url, name, urls[i].path));
    json_object_set_new(json, "html_url", json_sprintf("https://%s/%s", host->web, name));
    json_object_set_new(json, "clone_url", json_sprintf("https://%s/%s.git", host->web, name));
    json_object_set_new(json, "svn_url", json_sprintf("https://%s/%s", host->web, name));
    json_object_set_new(json, "git_url", json_sprintf("git://%s/%s.git", host->web, name));
    json_object_set_new(json, "ssh_url", json_sprintf("git@%s:%s.git", host->web, name));
}

// What is the same for every repository here.
static void add_constants(json_t *json)
{
    static const char *const numbers[] = {
        "size",  "stargazers_count",  "watchers_count", "watchers",      "forks_count",
        "forks", "open_issues_count", "open_issues",    "network_count", "subscribers_count"};
    static const char *const yes[] = {"has_issues", "has_wiki", "has_downloads"};
    static const char *const no[] = {"fork",        "archived",      "disabled",
                                     "has_pages",   "has_projects",  "has_discussions",
                                     "is_template", "allow_forking", "web_commit_signoff_required"};
    static const char *const nothing[] = {"homepage", "language", "mirror_url", "license"};
    static const char *const times[] = {"created_at", "updated_at", "pushed_at"};

    for (size_t i = 0; i < GL_ARRAY_SIZE(numbers); i++)
        json_object_set_new(json, numbers[i], json_integer(0));
    for (size_t i = 0; i < GL_ARRAY_SIZE(yes); i++)
        json_object_set_new(json, yes[i], json_true());
    for (size_t i = 0; i < GL_ARRAY_SIZE(no); i++)
        json_object_set_new(json, no[i], json_false());
    for (size_t i = 0; i < GL_ARRAY_SIZE(nothing); i++)
        json_object_set_new(json, nothing[i], json_null());
    for (size_t i = 0; i < GL_ARRAY_SIZE(times); i++)
        json_object_set_new(json, times[i], json_string("2024-01-01T00:00:00Z"));
    json_object_set_new(json, "topics", json_array());
}

json_t *api_repository(const struct api_request *request, const struct repository *repository)
{
    const struct virtual_host *host = request->call->host;
    char *name = world_full_name(repository);
    char *branch = world_default_branch(repository);
    json_t *json = json_pack("{s:I,s:o,s:s,s:s,s:b,s:o,s:s,s:s,s:s}", "id", (json_int_t)repository->id, "node_id",
                             json_sprintf("R_%llu", (unsigned long long)repository->id), "name", repository->name,
                             "full_name", name, "private", repository->private, "owner",
                             api_account(host, repository->owner), "description", repository->description,
                             "default_branch", branch, "visibility", repository->private ? "private" : "public");

    add_constants(json);
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
    const struct installation *installation = world_installation_of(request->repository->owner, request->who.app);

    if (!installation || !world_covers(installation, request->repository)) {
        api_fail(answer, 404, "Not Found");
        return;
    }
    api_give(answer, 200, api_installation(request->call->host, installation));
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
