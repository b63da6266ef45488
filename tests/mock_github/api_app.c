// API calls that name no repository.
#include "api.h"

#include "api_mint.h"
#include "graphql.h"
#include "mock_setting.h"

#define CREATED "2024-01-01T00:00:00Z"

json_t *api_account(const struct virtual_host *host, const struct account *account)
{
    json_t *json = json_object();

    json_object_set_new(json, "login", json_string(account->login));
    json_object_set_new(json, "id", json_integer((json_int_t)account->id));
    json_object_set_new(json, "node_id", json_sprintf("U_%llu", (unsigned long long)account->id));
    json_object_set_new(json, "type", json_string(account->organization ? "Organization" : "User"));
    json_object_set_new(json, "url", json_sprintf("%s/users/%s", host->api_url, account->login));
    json_object_set_new(json, "html_url", json_sprintf("https://%s/%s", host->web, account->login));
    json_object_set_new(
        json, "avatar_url",
        json_sprintf("https://avatars.githubusercontent.com/u/%llu", (unsigned long long)account->id));
    json_object_set_new(json, "site_admin", json_false());
    return json;
}

static json_t *describe_installation(const struct virtual_host *host, const struct installation *installation)
{
    json_t *json = json_object();
    unsigned long long id = installation->id;

    json_object_set_new(json, "id", json_integer((json_int_t)id));
    json_object_set_new(json, "account", api_account(host, installation->account));
    json_object_set_new(json, "repository_selection",
                        json_string(installation->all_repositories ? "all" : "selected"));
    json_object_set_new(json, "access_tokens_url",
                        json_sprintf("%s/app/installations/%llu/access_tokens", host->api_url, id));
    json_object_set_new(json, "repositories_url",
                        json_sprintf("%s/installation/repositories", host->api_url));
    json_object_set_new(json, "html_url",
                        json_sprintf("https://%s/settings/installations/%llu", host->web, id));
    json_object_set_new(json, "app_id", json_integer(WORLD_APP_ID));
    json_object_set_new(json, "app_slug", json_string(WORLD_APP_SLUG));
    json_object_set_new(json, "target_id", json_integer((json_int_t)installation->account->id));
    json_object_set_new(json, "target_type",
                        json_string(installation->account->organization ? "Organization" : "User"));
    json_object_set(json, "permissions", installation->permissions);
    json_object_set_new(json, "events", json_array());
    json_object_set_new(json, "created_at", json_string(CREATED));
    json_object_set_new(json, "updated_at", json_string(CREATED));
    json_object_set_new(json, "single_file_name", json_null());
    json_object_set_new(json, "suspended_by", json_null());
    json_object_set_new(json, "suspended_at", installation->suspended ? json_string(CREATED) : json_null());
    return json;
}

static void get_app(const struct api_request *request, struct api_answer *answer)
{
    json_t *owner = api_account(request->call->host, world_account("octocat"));

    api_give(answer, 200,
             json_pack("{s:i,s:s,s:s,s:s,s:s,s:o,s:s,s:s,s:s,s:s,s:s,s:{s:s,s:s},s:[]}", "id", WORLD_APP_ID,
                       "slug", WORLD_APP_SLUG, "client_id", WORLD_CLIENT_ID, "node_id", "A_12345", "name",
                       "gitlatch mock", "owner", owner, "description", "", "external_url",
                       "https://example.com", "html_url", "https://github.com/apps/" WORLD_APP_SLUG,
                       "created_at", CREATED, "updated_at", CREATED, "permissions", "metadata", "read",
                       "contents", "write", "events"));
}

static void list_installations(const struct api_request *request, struct api_answer *answer)
{
    json_t *list = json_array();

    for (struct installation *one = world_installation_list(); one; one = one->next)
        json_array_append_new(list, describe_installation(request->call->host, one));
    api_give(answer, 200, api_page(request, answer, list, "/app/installations"));
}

static void give_installation(const struct api_request *request, struct api_answer *answer,
                              const struct installation *installation)
{
    if (installation)
        api_give(answer, 200, describe_installation(request->call->host, installation));
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

    give_installation(request, answer, fits ? world_installation_of(account) : NULL);
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
                       request->who.token->all_repositories && request->who.installation->all_repositories
                           ? "all"
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
        if (!one->deleted && one->owner == account &&
            principal_access(&request->who, one, "metadata", 1) == ACCESS_YES)
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

    api_give(answer, 200,
             json_pack("{s:{s:O,s:O,s:O},s:o}", "resources", "core", core, "graphql", core, "search", core,
                       "rate", core));
}

static void get_meta(const struct api_request *request, struct api_answer *answer)
{
    if (strcmp(request->call->host->web, "ghe.test") == 0) {
        api_give(
            answer, 200,
            json_pack("{s:b,s:s}", "verifiable_password_authentication", 1, "installed_version", "3.13.0"));
    } else {
        api_give(answer, 200,
                 json_pack("{s:b,s:[s]}", "verifiable_password_authentication", 0, "git", "127.0.0.0/8"));
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
