#include "control_service.h"

#include <sys/stat.h>

#include "api_mint.h"
#include "issued_token.h"
#include "serve.h"
#include "mock_setting.h"
#include "world.h"
#include "world_seed.h"

// What a handler answers: `status`, and `json` or a problem in it.
struct control_answer {
    int status;
    json_t *json;
};

typedef void control_handler(json_t *body, struct control_answer *answer);

static void fail(struct control_answer *answer, int status, const char *problem)
{
    answer->status = status;
    answer->json = json_pack("{s:s}", "problem", problem);
}

static void give(struct control_answer *answer, json_t *json)
{
    answer->status = 200;
    answer->json = json;
}

static const char *string_of(json_t *body, const char *key)
{
    const char *value = json_string_value(json_object_get(body, key));

    return value ? value : "";
}

static bool flag_of(json_t *body, const char *key, bool otherwise)
{
    json_t *value = json_object_get(body, key);

    return json_is_boolean(value) ? json_is_true(value) : otherwise;
}

static struct account *account_of(json_t *body, struct control_answer *answer)
{
    struct account *account = world_account(string_of(body, "owner"));

    if (!account)
        fail(answer, 404, "no such `owner`");
    return account;
}

static struct repository *repository_of(json_t *body, struct control_answer *answer)
{
    struct bytes owner;
    struct bytes name;
    struct repository *repository;
    bool renamed;

    bytes_cut(bytes_of_string(string_of(body, "repository")), '/', &owner, &name);
    repository = world_repository(owner, name, &renamed);
    if (!repository || renamed)
        fail(answer, 404, "no such `repository` (owner/name)");
    return renamed ? NULL : repository;
}

static void get_status(json_t *body, struct control_answer *answer)
{
    struct serve_counts counts = serve_count();
    uint64_t requests;
    uint64_t dropped;

    record_count(&requests, &dropped);
    give(answer,
         json_pack("{s:I,s:I,s:I,s:I,s:I,s:s,s:s,s:i}", "connections", (json_int_t)counts.connections, "open",
                   (json_int_t)counts.open, "handshake_failures", (json_int_t)counts.handshake_failures,
                   "requests", (json_int_t)requests, "record_dropped", (json_int_t)dropped, "state",
                   world_state_directory(), "client_id", WORLD_CLIENT_ID, "app_id", WORLD_APP_ID));
}

static void get_settings(json_t *body, struct control_answer *answer)
{
    give(answer, mock_setting_all());
}

static void change_settings(json_t *body, struct control_answer *answer)
{
    const char *key;

    if (mock_setting_update(body, &key))
        give(answer, mock_setting_all());
    else
        fail(answer, 400, key);
}

static void add_fault(json_t *body, struct control_answer *answer)
{
    const char *problem;
    uint64_t id = fault_add(body, &problem);

    if (id)
        give(answer, json_pack("{s:I}", "id", (json_int_t)id));
    else
        fail(answer, 400, problem);
}

static void list_faults(json_t *body, struct control_answer *answer)
{
    give(answer, fault_list());
}

static void remove_faults(json_t *body, struct control_answer *answer)
{
    fault_remove(0);
    give(answer, json_object());
}

static void clear_record(json_t *body, struct control_answer *answer)
{
    record_clear();
    give(answer, json_object());
}

static void use_certificate(json_t *body, struct control_answer *answer)
{
    for (int i = 0; i < CERTIFICATE_COUNT; i++) {
        if (strcmp(mock_ca_certificate_name((enum mock_certificate)i), string_of(body, "use")) == 0) {
            serve_use_certificate((enum mock_certificate)i, string_of(body, "host"));
            give(answer, json_object());
            return;
        }
    }
    fail(answer, 400, "`use` is good, wrong_name, untrusted or expired");
}

static void create_repository(json_t *body, struct control_answer *answer)
{
    struct account *account = account_of(body, answer);
    const char *name = string_of(body, "name");
    const char *import = json_string_value(json_object_get(body, "import"));
    bool private = flag_of(body, "private", true);
    struct repository *repository;
    bool renamed;
    bool made;

    if (!account)
        return;
    if (!*name || strchr(name, '/') ||
        (world_repository(bytes_of_string(account->login), bytes_of_string(name), &renamed) && !renamed)) {
        fail(answer, 409, "`name` is wanted, of a repository that is not there");
        return;
    }
    world_unlock();
    made = world_seed_directory(account->login, name, import, flag_of(body, "example", false), private);
    world_lock();
    if (!made) {
        fail(answer, 500, "the repository could not be made");
        return;
    }
    repository = world_add_repository(account, name, private);
    repository->selected = flag_of(body, "selected", true);
    give(answer,
         json_pack("{s:I,s:s}", "id", (json_int_t)repository->id, "directory", repository->directory));
}

static void change_repository(json_t *body, struct control_answer *answer)
{
    struct repository *repository = repository_of(body, answer);

    if (!repository)
        return;
    repository->private = flag_of(body, "private", repository->private);
    repository->selected = flag_of(body, "selected", repository->selected);
    repository->deleted = flag_of(body, "deleted", repository->deleted);
    give(answer, json_object());
}

static void rename_repository(json_t *body, struct control_answer *answer)
{
    struct repository *repository = repository_of(body, answer);

    if (repository) {
        world_rename_repository(repository, string_of(body, "name"));
        give(answer, json_object());
    }
}

static void rename_owner(json_t *body, struct control_answer *answer)
{
    struct account *account = account_of(body, answer);

    if (account) {
        world_rename_account(account, string_of(body, "name"));
        give(answer, json_object());
    }
}

static void list_installations(json_t *body, struct control_answer *answer)
{
    json_t *list = json_array();

    for (struct installation *one = world_installation_list(); one; one = one->next) {
        json_array_append_new(list, json_pack("{s:I,s:s,s:b,s:b,s:O,s:I,s:I}", "id", (json_int_t)one->id,
                                              "owner", one->account->login, "suspended", one->suspended,
                                              "all_repositories", one->all_repositories, "permissions",
                                              one->permissions, "rate_limit", (json_int_t)one->rate_limit,
                                              "rate_used", (json_int_t)one->rate_used));
    }
    give(answer, list);
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
    struct account *account = account_of(body, answer);
    struct installation *installation = account ? world_installation_of(account) : NULL;
    json_t *permissions = json_object_get(body, "permissions");

    if (!account)
        return;
    account->ip_allow_list = flag_of(body, "ip_allow_list", account->ip_allow_list);
    if (installation && (flag_of(body, "removed", false) || flag_of(body, "reinstalled", false))) {
        world_remove_installation(installation);
        installation = NULL;
    }
    if (!installation && (flag_of(body, "installed", false) || flag_of(body, "reinstalled", false)))
        installation = world_add_installation(account);
    if (installation) {
        installation->suspended = flag_of(body, "suspended", installation->suspended);
        installation->all_repositories = flag_of(body, "all_repositories", installation->all_repositories);
        if (json_is_object(permissions)) {
            json_decref(installation->permissions);
            installation->permissions = json_deep_copy(permissions);
        }
        change_rate(installation, body);
    }
    give(answer, json_pack("{s:I}", "id", installation ? (json_int_t)installation->id : (json_int_t)0));
}

static void list_tokens(json_t *body, struct control_answer *answer)
{
    json_t *list = json_array();

    for (struct issued_token *token = issued_token_list(); token; token = token->next) {
        json_t *json = issued_token_describe(token);

        json_object_set_new(json, "token", json_string(token->value));
        json_array_insert_new(list, 0, json);
    }
    give(answer, list);
}

// Copies a list of ids; owned by the caller.
static uint64_t *read_ids(json_t *list, size_t *ret_count)
{
    uint64_t *ids = mock_text_allocate((json_array_size(list) + 1) * sizeof(*ids));
    size_t i;
    json_t *item;

    json_array_foreach(list, i, item) ids[i] = (uint64_t)json_integer_value(item);
    *ret_count = json_array_size(list);
    return ids;
}

// A token without a JWT: a person's ("user"), or an installation's ("owner", "permissions",
// "repository_ids").
static void make_token(json_t *body, struct control_answer *answer)
{
    struct account *user = world_account(string_of(body, "user"));
    struct account *owner = world_account(string_of(body, "owner"));
    struct installation *installation = owner ? world_installation_of(owner) : NULL;
    const struct virtual_host *host = virtual_host_find(
        json_object_get(body, "host") ? bytes_of_string(string_of(body, "host")) : BYTES("github.com"));
    json_t *permissions = json_object_get(body, "permissions");
    struct issued_token *token;
    size_t count;
    uint64_t *ids;

    if (!host || (!user && !installation)) {
        fail(answer, 400, "`user`, or `owner` of an installation, is wanted, and `host` one of ours");
        return;
    }
    if (user) {
        token = issued_token_for_user(user, host->web);
    } else {
        ids = read_ids(json_object_get(body, "repository_ids"), &count);
        token = issued_token_mint(installation, host->web,
                                  json_deep_copy(permissions ? permissions : installation->permissions), ids,
                                  count, count == 0);
    }
    give(answer, json_pack("{s:s,s:I}", "token", token->value, "id", (json_int_t)token->id));
}

// One by "id", or all.
static void revoke_tokens(json_t *body, struct control_answer *answer)
{
    json_t *id = json_object_get(body, "id");

    for (struct issued_token *token = issued_token_list(); token; token = token->next)
        token->revoked |= !id || token->id == (uint64_t)json_integer_value(id);
    give(answer, json_object());
}

static void widen_grants(json_t *body, struct control_answer *answer)
{
    json_t *permissions = json_object_get(body, "permissions");

    api_mint_widen(json_is_object(permissions) ? json_deep_copy(permissions) : NULL);
    give(answer, json_object());
}

static const struct {
    const char *method;
    const char *path;
    control_handler *handle;
} routes[] = {
    {"GET", "/status", get_status},
    {"GET", "/settings", get_settings},
    {"POST", "/settings", change_settings},
    {"GET", "/fault", list_faults},
    {"POST", "/fault", add_fault},
    {"DELETE", "/fault", remove_faults},
    {"DELETE", "/record", clear_record},
    {"POST", "/certificate", use_certificate},
    {"POST", "/repository", create_repository},
    {"POST", "/repository/change", change_repository},
    {"POST", "/repository/rename", rename_repository},
    {"POST", "/owner/rename", rename_owner},
    {"GET", "/installation", list_installations},
    {"POST", "/installation", change_installation},
    {"GET", "/token", list_tokens},
    {"POST", "/token", make_token},
    {"POST", "/token/revoke", revoke_tokens},
    {"POST", "/grant", widen_grants},
};

static void answer_record(struct call *call)
{
    struct mock_text lines = {0};
    char *after = call_query(call, "after");

    record_print(&lines, after ? strtoull(after, NULL, 10) : 0);
    call_answer(call, 200, "Content-Type: application/jsonl\r\n", mock_text_string(&lines), lines.size);
    free(after);
    mock_text_free(&lines);
}

static control_handler *find_handler(const struct call *call)
{
    for (size_t i = 0; i < GL_ARRAY_SIZE(routes); i++) {
        if (strcmp(routes[i].method, call->method) == 0 && strcmp(routes[i].path, call->path) == 0)
            return routes[i].handle;
    }
    return NULL;
}

void control_service_serve(struct call *call)
{
    control_handler *handle = find_handler(call);
    struct control_answer answer = {0};
    struct mock_text text = {0};
    json_t *body = NULL;
    bool whole = call_read_all(call, &text);

    if (strcmp(call->method, "GET") == 0 && strcmp(call->path, "/record") == 0) {
        answer_record(call);
    } else if (whole) {
        body = text.size ? json_loadb(text.data, text.size, 0, NULL) : json_object();
        world_lock();
        if (!handle)
            fail(&answer, 404, "no such call; see README.md");
        else if (!json_is_object(body))
            fail(&answer, 400, "a JSON object is wanted");
        else
            handle(body, &answer);
        world_unlock();
        call_answer_json(call, answer.status, answer.json);
    }
    json_decref(body);
    mock_text_free(&text);
}
