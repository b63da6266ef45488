// API calls that name no repository.
#include "api.h"

#include "api_mint.h"
#include "app_manifest.h"
#include "graphql.h"
#include "mock_setting.h"

#define CREATED "2024-01-01T00:00:00Z"

json_t *api_account(const struct virtual_host *host, const struct account *account)
{
    static const struct {
        const char *key;
        const char *path;
    } urls[] = {
        {"url", ""},
        {"followers_url", "/followers"},
        {"following_url", "/following{/other_user}"},
        {"gists_url", "/gists{/gist_id}"},
        {"starred_url", "/starred{/owner}{/repo}"},
        {"subscriptions_url", "/subscriptions"},
        {"organizations_url", "/orgs"},
        {"repos_url", "/repos"},
        {"events_url", "/events{/privacy}"},
        {"received_events_url", "/received_events"},
    };
    unsigned long long id = account->id;
    json_t *json = json_pack("{s:s,s:I,s:o,s:s,s:s,s:b}", "login", account->login, "id", (json_int_t)id, "node_id",
                             json_sprintf("U_%llu", id), "type", account->organization ? "Organization" : "User",
                             "gravatar_id", "", "site_admin", 0);

    json_object_set_new(json, "html_url", json_sprintf("https://%s/%s", host->web, account->login));
    json_object_set_new(json, "avatar_url", json_sprintf("https://avatars.githubusercontent.com/u/%llu?v=4", id));
    for (size_t i = 0; i < GL_ARRAY_SIZE(urls); i++)
        json_object_set_new(json, urls[i].key,
                            json_sprintf("%s/users/%s%s", host->api_url, account->login, urls[i].path));
    return json;
}

json_t *api_installation(const struct virtual_host *host, const struct installation *installation)
{
    const struct account *account = installation->account;
    const struct app *app = installation->app;
    unsigned long long id = installation->id;
    json_t *json = json_pack(
        "{s:I,s:o,s:s,s:I,s:s,s:s,s:I,s:s,s:O,s:[],s:s,s:s,s:n,s:n,s:s?}", "id", (json_int_t)id, "account",
        api_account(host, account), "repository_selection", installation->all_repositories ? "all" : "selected",
        "app_id", (json_int_t)app->id, "client_id", app->client_id, "app_slug", app->slug, "target_id",
        (json_int_t)account->id, "target_type", account->organization ? "Organization" : "User", "permissions",
        installation->permissions, "events", "created_at", CREATED, "updated_at", CREATED, "single_file_name",
        "suspended_by", "suspended_at", installation->suspended ? CREATED : NULL);

    json_object_set_new(json, "access_tokens_url",
                        json_sprintf("%s/app/installations/%llu/access_tokens", host->api_url, id));
    json_object_set_new(json, "repositories_url", json_sprintf("%s/installation/repositories", host->api_url));
    json_object_set_new(json, "html_url", json_sprintf("https://%s/settings/installations/%llu", host->web, id));
    return json;
}

static void get_app(const struct api_request *request, struct api_answer *answer)
{
    const struct app *app = request->who.app;
    json_t *owner = api_account(request->call->host, world_account("octocat"));

    api_give(answer, 200,
             json_pack("{s:I,s:s,s:s,s:o,s:s,s:o,s:s,s:s,s:o,s:s,s:s,s:{s:s,s:s},s:[]}", "id", (json_int_t)app->id,
                       "slug", app->slug, "client_id", app->client_id, "node_id",
                       json_sprintf("A_%llu", (unsigned long long)app->id), "name", app->name, "owner", owner,
                       "description", "", "external_url", "https://example.com", "html_url",
                       json_sprintf("https://github.com/apps/%s", app->slug), "created_at", CREATED, "updated_at",
                       CREATED, "permissions", "metadata", "read", "contents", "write", "events"));
}

static void list_installations(const struct api_request *request, struct api_answer *answer)
{
    json_t *list = json_array();

    for (struct installation *one = world_installation_list(); one; one = one->next) {
        if (one->app == request->who.app)
            json_array_append_new(list, api_installation(request->call->host, one));
    }
    api_give(answer, 200, api_page(request, answer, list, "/app/installations"));
}

static void give_installation(const struct api_request *request, struct api_answer *answer,
                              const struct installation *installation)
{
    if (installation && installation->app == request->who.app)
        api_give(answer, 200, api_installation(request->call->host, installation));
    else
        api_fail(answer, 404, "Not Found");
}

static void get_installation(const struct api_request *request, struct api_answer *answer)
{
    give_installation(request, answer, world_installation(strtoull(request->call->segments[2], NULL, 10)));
}

// /orgs/O/installation is for organisations, /users/U/installation for people.
static void get_account_installation(const struct api_request *request, struct api_answer *answer)
{
    struct account *account = world_account(request->call->segments[1]);
    bool organization = strcmp(request->call->segments[0], "orgs") == 0;
    bool fits = account && account->organization == organization;

    give_installation(request, answer, fits ? world_installation_of(account, request->who.app) : NULL);
}

static void list_installation_repositories(const struct api_request *request, struct api_answer *answer)
{
    json_t *list = json_array();
    json_t *page;
    size_t count;

    for (struct repository *one = world_repository_list(); one; one = one->next) {
        if (principal_reaches(&request->who, one))
            json_array_append_new(list, api_repository(request, one));
    }
    count = json_array_size(list);
    page = api_page(request, answer, list, "/installation/repositories");
    api_give(answer, 200,
             json_pack("{s:I,s:s,s:o}", "total_count", (json_int_t)count, "repository_selection",
                       request->who.token->all_repositories && request->who.installation->all_repositories ? "all"
                                                                                                           : "selected",
                       "repositories", page));
}

static void revoke_token(const struct api_request *request, struct api_answer *answer)
{
    request->who.token->revoked = true;
    answer->status = 204;
}

static void get_user(const struct api_request *request, struct api_answer *answer)
{
    api_give(answer, 200, api_account(request->call->host, request->who.token->user));
}

static void list_user_repositories(const struct api_request *request, struct api_answer *answer)
{
    json_t *list = json_array();

    for (struct repository *one = world_repository_list(); one; one = one->next) {
        if (!one->deleted && principal_access(&request->who, one, "contents", 2) == ACCESS_YES)
            json_array_append_new(list, api_repository(request, one));
    }
    api_give(answer, 200, api_page(request, answer, list, "/user/repos"));
}

static void get_account(const struct api_request *request, struct api_answer *answer)
{
    struct account *account = world_account(request->call->segments[1]);

    if (account)
        api_give(answer, 200, api_account(request->call->host, account));
    else
        api_fail(answer, 404, "Not Found");
}

static void list_account_repositories(const struct api_request *request, struct api_answer *answer)
{
    struct account *account = world_account(request->call->segments[1]);
    json_t *list = json_array();
    char *path = mock_text_format("/%s/%s/repos", request->call->segments[0], request->call->segments[1]);

    for (struct repository *one = world_repository_list(); one; one = one->next) {
        if (!one->deleted && one->owner == account && principal_access(&request->who, one, "metadata", 1) == ACCESS_YES)
            json_array_append_new(list, api_repository(request, one));
    }
    api_give(answer, 200, api_page(request, answer, list, path));
    free(path);
}

static void get_rate_limit(const struct api_request *request, struct api_answer *answer)
{
    const struct installation *installation = request->who.installation;
    json_int_t limit = installation ? installation->rate_limit : WORLD_RATE_LIMIT;
    json_int_t used = installation ? installation->rate_used : 0;
    json_int_t reset = installation ? installation->rate_reset : mock_setting_now() + 3600;
    json_t *core = json_pack("{s:I,s:I,s:I,s:I}", "limit", limit, "used", used, "remaining",
                             limit > used ? limit - used : (json_int_t)0, "reset", reset);

    api_give(
        answer, 200,
        json_pack("{s:{s:O,s:O,s:O},s:o}", "resources", "core", core, "graphql", core, "search", core, "rate", core));
}

static void get_meta(const struct api_request *request, struct api_answer *answer)
{
    if (strcmp(request->call->host->web, "ghe.test") == 0) {
        api_give(answer, 200,
                 json_pack("{s:b,s:s}", "verifiable_password_authentication", 1, "installed_version", "3.13.0"));
    } else {
        api_give(answer, 200, json_pack("{s:b,s:[s]}", "verifiable_password_authentication", 0, "git", "127.0.0.0/8"));
    }
}

static void get_zen(const struct api_request *request, struct api_answer *answer)
{
    answer->status = 200;
    answer->type = "text/plain; charset=utf-8";
    mock_text_add_string(&answer->raw, "Speak like a human.");
}

static void get_root(const struct api_request *request, struct api_answer *answer)
{
    const char *base = request->call->host->api_url;

    api_give(answer, 200,
             json_pack("{s:o,s:o}", "current_user_url", json_sprintf("%s/user", base), "repository_url",
                       json_sprintf("%s/repos/{owner}/{repo}", base)));
}

static void search_repositories(const struct api_request *request, struct api_answer *answer)
{
    char *query = call_query(request->call, "q");
    json_t *list = json_array();
    size_t count;

    for (struct repository *one = world_repository_list(); one; one = one->next) {
        if (!one->deleted && strstr(one->name, query ? query : "") &&
            principal_access(&request->who, one, "metadata", 1) == ACCESS_YES)
            json_array_append_new(list, api_repository(request, one));
    }
    count = json_array_size(list);
    api_give(answer, 200,
             json_pack("{s:I,s:b,s:o}", "total_count", (json_int_t)count, "incomplete_results", 0, "items",
                       api_page(request, answer, list, "/search/repositories")));
    free(query);
}

const struct api_route api_app_routes[] = {
    {"GET", "", API_ANYONE, NULL, 0, get_root},
    {"GET", "/", API_ANYONE, NULL, 0, get_root},
    {"POST", "/app-manifests/*/conversions", API_ANYONE, NULL, 0, app_manifest_convert},
    {"GET", "/app", API_APP, NULL, 0, get_app},
    {"GET", "/app/installations", API_APP, NULL, 0, list_installations},
    {"GET", "/app/installations/*", API_APP, NULL, 0, get_installation},
    {"POST", "/app/installations/*/access_tokens", API_APP, NULL, 0, api_mint},
    {"GET", "/orgs/*/installation", API_APP, NULL, 0, get_account_installation},
    {"GET", "/users/*/installation", API_APP, NULL, 0, get_account_installation},
    {"GET", "/installation/repositories", API_INSTALLATION, NULL, 0, list_installation_repositories},
    {"DELETE", "/installation/token", API_INSTALLATION, NULL, 0, revoke_token},
    {"GET", "/user", API_USER, NULL, 0, get_user},
    {"GET", "/user/repos", API_USER, NULL, 0, list_user_repositories},
    {"GET", "/orgs/*", API_ANYONE, NULL, 0, get_account},
    {"GET", "/users/*", API_ANYONE, NULL, 0, get_account},
    {"GET", "/orgs/*/repos", API_ANYONE, NULL, 0, list_account_repositories},
    {"GET", "/users/*/repos", API_ANYONE, NULL, 0, list_account_repositories},
    {"GET", "/search/repositories", API_ANYONE, NULL, 0, search_repositories},
    {"POST", "/graphql", API_SOMEBODY, NULL, 0, graphql_serve},
    {"GET", "/rate_limit", API_ANYONE, NULL, 0, get_rate_limit},
    {"GET", "/meta", API_ANYONE, NULL, 0, get_meta},
    {"GET", "/zen", API_ANYONE, NULL, 0, get_zen},
    {0},
};
