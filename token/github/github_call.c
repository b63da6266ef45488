#include "github_call.h"

#include <inttypes.h>
#include <jansson.h>
#include <string.h>

#include "mem.h"

static const char *const headers[] = {
    "Accept: application/vnd.github+json",
    "X-GitHub-Api-Version: 2022-11-28",
    NULL,
};
static const char *const headers_with_body[] = {
    "Accept: application/vnd.github+json",
    "X-GitHub-Api-Version: 2022-11-28",
    "Content-Type: application/json",
    NULL,
};

void github_call_clear(struct github_call *call)
{
    mem_free(call->url);
    mem_free(call->body);
    *call = (struct github_call){0};
}

struct http_call github_call_http(const struct github_call *call, struct bytes bearer, struct tls_client *tls)
{
    return (struct http_call){
        .absolute = true,
        .method = call->method,
        .url = call->url,
        .headers = call->body ? headers_with_body : headers,
        .bearer = bearer,
        .body = bytes_of_string(call->body),
        .tls = tls,
        .timeout_ms = GITHUB_CALL_TIMEOUT_MS,
    };
}

static json_t *permissions_json(const struct permissions *permissions)
{
    json_t *object = json_object();

    for (size_t i = 0; i < permissions->count; i++)
        json_object_set_new(object, permissions->items[i].name,
                            json_string(permission_level_name(permissions->items[i].level)));
    return object;
}

static char *mint_body(const struct mint_scope *scope)
{
    json_t *body = json_object();

    if (!scope->all_permissions)
        json_object_set_new(body, "permissions", permissions_json(&scope->permissions));

    if (scope->reach == SCOPE_REPOSITORY) {
        json_object_set_new(body, "repositories", json_pack("[s]", scope->repository.name));
    } else if (scope->reach == SCOPE_SET) {
        bool by_id = scope->repositories[0].id != 0;
        json_t *set = json_array();
        for (size_t i = 0; i < scope->repository_count; i++)
            json_array_append_new(set, by_id ? json_integer((json_int_t)scope->repositories[i].id)
                                             : json_string(scope->repositories[i].name.name));
        json_object_set_new(body, by_id ? "repository_ids" : "repositories", set);
    }
    char *dump = json_dumps(body, JSON_COMPACT);
    char *text = mem_string(dump);
    mem_wiping_free(dump);
    json_decref(body);
    return text;
}

struct github_call github_call_mint(uint64_t installation, const struct mint_scope *scope)
{
    return (struct github_call){
        .method = "POST",
        .url = mem_format("%s/app/installations/%" PRIu64 "/access_tokens", github_host_of(scope->host)->api_url,
                          installation),
        .body = mint_body(scope),
    };
}

static struct github_call get(char *url)
{
    return (struct github_call){.method = "GET", .url = url};
}

struct github_call github_call_repository_installation(const struct github_host *host,
                                                       const struct repository_name *name)
{
    return get(mem_format("%s/repos/%s/%s/installation", host->api_url, name->owner, name->name));
}

struct github_call github_call_org_installation(const struct github_host *host, const char *owner)
{
    return get(mem_format("%s/orgs/%s/installation", host->api_url, owner));
}

struct github_call github_call_user_installation(const struct github_host *host, const char *owner)
{
    return get(mem_format("%s/users/%s/installation", host->api_url, owner));
}

struct github_call github_call_installation(const struct github_host *host, uint64_t installation)
{
    return get(mem_format("%s/app/installations/%" PRIu64, host->api_url, installation));
}

struct github_call github_call_installations(const struct github_host *host)
{
    return get(mem_format("%s/app/installations?per_page=%d", host->api_url, GITHUB_CALL_PAGE_SIZE));
}

struct github_call github_call_repositories(const struct github_host *host, unsigned page)
{
    return get(
        mem_format("%s/installation/repositories?per_page=%d&page=%u", host->api_url, GITHUB_CALL_PAGE_SIZE, page));
}

struct github_call github_call_repository(const struct github_host *host, const struct repository_name *name)
{
    return get(mem_format("%s/repos/%s/%s", host->api_url, name->owner, name->name));
}

struct github_call github_call_repository_by_id(const struct github_host *host, uint64_t id)
{
    return get(mem_format("%s/repositories/%" PRIu64, host->api_url, id));
}

struct github_call github_call_rate_limit(const struct github_host *host)
{
    return get(mem_format("%s/rate_limit", host->api_url));
}

bool github_call_redirected(const struct github_host *host, const char *location, struct github_call *ret_call)
{
    struct bytes rest = bytes_of_string(location), base = bytes_of_string(host->api_url);
    char digits[21];

    if (bytes_start_with(rest, base))
        rest = bytes_skip(rest, base.size);
    if (!bytes_start_with(rest, BYTES("/repositories/")))
        return false;
    rest = bytes_skip(rest, strlen("/repositories/"));
    size_t size = 0;
    while (size < rest.size && size < sizeof(digits) - 1 && rest.data[size] >= '0' && rest.data[size] <= '9') {
        digits[size] = rest.data[size];
        size++;
    }
    digits[size] = '\0';
    rest = bytes_skip(rest, size);
    bool installation = bytes_equal(rest, BYTES("/installation"));
    if (size == 0 || (rest.size && !installation))
        return false;
    *ret_call = get(mem_format("%s/repositories/%s%s", host->api_url, digits, installation ? "/installation" : ""));
    return true;
}
