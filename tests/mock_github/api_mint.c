#include "api_mint.h"

#include "mock_setting.h"

// "up to 500 repositories" (GitHub, "Create an installation access token for an app").
#define REPOSITORIES_MAX 500

#define NOT_COVERED                                                                                                    \
    "There is at least one repository that does not exist or is not accessible to the parent installation."
#define NOT_GRANTED "The permissions requested are not granted to this installation."

static json_t *wider;

void api_mint_widen(json_t *permissions)
{
    json_decref(wider);
    wider = permissions;
}

// The set a token gets, owned by the caller; NULL: more was asked for than granted.
static json_t *decide_permissions(const struct installation *installation, json_t *asked)
{
    json_t *permissions;
    const char *name;
    json_t *level;

    if (!asked || json_object_size(asked) == 0) {
        permissions = json_deep_copy(installation->permissions);
    } else {
        json_object_foreach(asked, name, level) {
            int wanted = world_level(json_string_value(level));

            if (wanted == 0 || world_granted(installation->permissions, name) < wanted)
                return NULL;
        }
        permissions = json_deep_copy(asked);
    }
    json_object_set_new(permissions, "metadata", json_string("read"));
    if (wider)
        json_object_update(permissions, wider);
    return permissions;
}

static struct repository *repository_asked(const struct installation *installation, json_t *item)
{
    struct repository *repository;
    const char *name = json_string_value(item);
    bool renamed = false;

    if (json_is_integer(item))
        repository = world_repository_by_id((uint64_t)json_integer_value(item));
    else if (name)
        repository = world_repository(bytes_of_string(installation->account->login), bytes_of_string(name), &renamed);
    else
        repository = NULL;
    return repository && !renamed && world_covers(installation, repository) ? repository : NULL;
}

// Adds what a list of the request names. False: one of them is not covered.
static bool add_repositories(const struct installation *installation, json_t *list, uint64_t *ids, size_t *count)
{
    size_t i;
    json_t *item;

    json_array_foreach(list, i, item) {
        struct repository *repository = repository_asked(installation, item);

        if (!repository)
            return false;
        ids[(*count)++] = repository->id;
    }
    return true;
}

static json_t *describe(const struct api_request *request, const struct issued_token *token,
                        const struct installation *installation)
{
    json_t *json = json_object();
    json_t *repositories = json_array();
    char when[32];

    mock_setting_format_time(token->expires_at, when, sizeof(when));
    json_object_set_new(json, "token", json_string(token->value));
    json_object_set_new(json, "expires_at", json_string(when));
    json_object_set(json, "permissions", token->permissions);
    json_object_set_new(
        json, "repository_selection",
        json_string(token->repository_count > 0 || !installation->all_repositories ? "selected" : "all"));
    for (size_t i = 0; i < token->repository_count; i++)
        json_array_append_new(repositories, api_repository(request, world_repository_by_id(token->repository_ids[i])));
    if (token->repository_count > 0)
        json_object_set(json, "repositories", repositories);
    json_decref(repositories);
    return json;
}

static void refuse_address(const struct installation *installation, struct api_answer *answer)
{
    char *message =
        mock_text_format("Although you appear to have the correct authorization credentials, the `%s` "
                         "organization has an IP allow list enabled, and your IP address is not permitted to "
                         "access this resource.",
                         installation->account->login);

    api_fail(answer, 403, message);
    free(message);
}

static void mint(const struct api_request *request, const struct installation *installation, struct api_answer *answer)
{
    json_t *by_name = json_object_get(request->body, "repositories");
    json_t *by_id = json_object_get(request->body, "repository_ids");
    size_t asked = json_array_size(by_name) + json_array_size(by_id);
    uint64_t *ids = mock_text_allocate((asked + 1) * sizeof(*ids));
    size_t count = 0;
    json_t *permissions = decide_permissions(installation, json_object_get(request->body, "permissions"));
    struct issued_token *token;

    if (asked > REPOSITORIES_MAX) {
        api_fail(answer, 422, "Too many repositories: at most 500 can be named.");
    } else if (!add_repositories(installation, by_name, ids, &count) ||
               !add_repositories(installation, by_id, ids, &count)) {
        api_fail(answer, 422, NOT_COVERED);
    } else if (!permissions) {
        api_fail(answer, 422, NOT_GRANTED);
    } else {
        token =
            issued_token_mint(installation, request->call->host->web, json_incref(permissions), ids, count, asked == 0);
        ids = NULL;
        api_give(answer, 201, describe(request, token, installation));
    }
    json_decref(permissions);
    free(ids);
}

void api_mint(const struct api_request *request, struct api_answer *answer)
{
    struct installation *installation = world_installation(strtoull(request->call->segments[2], NULL, 10));

    if (!installation || installation->app != request->who.app)
        api_fail(answer, 404, "Not Found");
    else if (installation->suspended)
        api_fail(answer, 403, "This installation has been suspended");
    else if (installation->account->ip_allow_list)
        refuse_address(installation, answer);
    else
        mint(request, installation, answer);
}
