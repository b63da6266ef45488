#include "control.h"

#include "api_mint.h"
#include "issued_token.h"
#include "mock_setting.h"
#include "world.h"

static uint64_t app_id_of(json_t *body, const char *key)
{
    return (uint64_t)json_integer_value(json_object_get(body, key));
}

// The App whose id is "app", without one the App that is always there. NULL: none, answered.
static const struct app *app_of(json_t *body, struct control_answer *answer)
{
    const struct app *app = app_find(json_object_get(body, "app") ? app_id_of(body, "app") : APP_ID);

    if (!app)
        control_fail(answer, 404, "no such `app`");
    return app;
}

static void create_app(json_t *body, struct control_answer *answer)
{
    uint64_t id = app_id_of(body, "id");
    const struct app *app;

    if (!id || app_find(id)) {
        control_fail(answer, 409, "`id` is wanted, a number that no App has");
        return;
    }
    app = app_add(id);
    control_give(answer, json_pack("{s:I,s:s,s:s,s:s}", "id", (json_int_t)id, "client_id", app->client_id, "slug",
                                   app->slug, "private_key", app->key_file));
}

static void list_installations(json_t *body, struct control_answer *answer)
{
    json_t *list = json_array();

    for (struct installation *one = world_installation_list(); one; one = one->next) {
        json_array_append_new(list, json_pack("{s:I,s:I,s:s,s:b,s:b,s:O,s:I,s:I}", "id", (json_int_t)one->id, "app",
                                              (json_int_t)one->app->id, "owner", one->account->login, "suspended",
                                              one->suspended, "all_repositories", one->all_repositories, "permissions",
                                              one->permissions, "rate_limit", (json_int_t)one->rate_limit, "rate_used",
                                              (json_int_t)one->rate_used));
    }
    control_give(answer, list);
}

// Takes the numbers of a rate limit that the body names.
static void change_rate(struct installation *installation, json_t *body)
{
    json_t *limit = json_object_get(body, "rate_limit");
    json_t *remaining = json_object_get(body, "rate_remaining");
    json_t *reset = json_object_get(body, "rate_reset_in");

    if (limit)
        installation->rate_limit = json_integer_value(limit);
    if (remaining)
        installation->rate_used = installation->rate_limit - json_integer_value(remaining);
    if (reset)
        installation->rate_reset = mock_setting_now() + json_integer_value(reset);
    else if (remaining && installation->rate_reset < mock_setting_now())
        installation->rate_reset = mock_setting_now() + 3600;
}

static void change_installation(json_t *body, struct control_answer *answer)
{
    struct account *account = control_account(body, answer);
    const struct app *app = account ? app_of(body, answer) : NULL;
    struct installation *installation = app ? world_installation_of(account, app) : NULL;
    json_t *permissions = json_object_get(body, "permissions");

    if (!app)
        return;
    account->ip_allow_list = control_flag(body, "ip_allow_list", account->ip_allow_list);
    if (installation && (control_flag(body, "removed", false) || control_flag(body, "reinstalled", false))) {
        world_remove_installation(installation);
        installation = NULL;
    }
    if (!installation && (control_flag(body, "installed", false) || control_flag(body, "reinstalled", false)))
        installation = world_add_installation(account, app);
    if (installation) {
        installation->suspended = control_flag(body, "suspended", installation->suspended);
        installation->all_repositories = control_flag(body, "all_repositories", installation->all_repositories);
        if (json_is_object(permissions)) {
            json_decref(installation->permissions);
            installation->permissions = json_deep_copy(permissions);
        }
        change_rate(installation, body);
    }
    control_give(answer, json_pack("{s:I}", "id", installation ? (json_int_t)installation->id : (json_int_t)0));
}

static void list_tokens(json_t *body, struct control_answer *answer)
{
    json_t *list = json_array();

    for (struct issued_token *token = issued_token_list(); token; token = token->next) {
        json_t *json = issued_token_describe(token);

        json_object_set_new(json, "token", json_string(token->value));
        json_array_insert_new(list, 0, json);
    }
    control_give(answer, list);
}

// Copies a list of ids; owned by the caller.
static uint64_t *read_ids(json_t *list, size_t *ret_count)
{
    uint64_t *ids = mock_text_allocate((json_array_size(list) + 1) * sizeof(*ids));
    size_t i;
    json_t *item;

    json_array_foreach(list, i, item)
        ids[i] = (uint64_t)json_integer_value(item);
    *ret_count = json_array_size(list);
    return ids;
}

// A token without a JWT: a person's ("user"), or an installation's ("owner", "permissions",
// "repository_ids").
static void make_token(json_t *body, struct control_answer *answer)
{
    struct account *user = world_account(control_string(body, "user"));
    struct account *owner = world_account(control_string(body, "owner"));
    const struct app *app = app_of(body, answer);
    struct installation *installation = owner && app ? world_installation_of(owner, app) : NULL;
    const struct virtual_host *host = virtual_host_find(
        json_object_get(body, "host") ? bytes_of_string(control_string(body, "host")) : BYTES("github.com"));
    json_t *permissions = json_object_get(body, "permissions");
    struct issued_token *token;
    size_t count;
    uint64_t *ids;

    if (!app)
        return;
    if (!host || (!user && !installation)) {
        control_fail(answer, 400, "`user`, or `owner` of an installation, is wanted, and `host` one of ours");
        return;
    }
    if (user) {
        token = issued_token_for_user(user, host->web);
    } else {
        ids = read_ids(json_object_get(body, "repository_ids"), &count);
        token = issued_token_mint(installation, host->web,
                                  json_deep_copy(permissions ? permissions : installation->permissions), ids, count,
                                  count == 0);
    }
    control_give(answer, json_pack("{s:s,s:I}", "token", token->value, "id", (json_int_t)token->id));
}

// One by "id", or all.
static void revoke_tokens(json_t *body, struct control_answer *answer)
{
    json_t *id = json_object_get(body, "id");

    for (struct issued_token *token = issued_token_list(); token; token = token->next)
        token->revoked |= !id || token->id == (uint64_t)json_integer_value(id);
    control_give(answer, json_object());
}

static void widen_grants(json_t *body, struct control_answer *answer)
{
    json_t *permissions = json_object_get(body, "permissions");

    api_mint_widen(json_is_object(permissions) ? json_deep_copy(permissions) : NULL);
    control_give(answer, json_object());
}

const struct control_route control_app_routes[] = {
    {"POST", "/app", create_app},
    {"GET", "/installation", list_installations},
    {"POST", "/installation", change_installation},
    {"GET", "/token", list_tokens},
    {"POST", "/token", make_token},
    {"POST", "/token/revoke", revoke_tokens},
    {"POST", "/grant", widen_grants},
    {0},
};
