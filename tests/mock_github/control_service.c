#include "control_service.h"

#include <sys/stat.h>

#include "control.h"
#include "serve.h"
#include "mock_setting.h"
#include "world.h"
#include "world_seed.h"

void control_fail(struct control_answer *answer, int status, const char *problem)
{
    answer->status = status;
    answer->json = json_pack("{s:s}", "problem", problem);
}

void control_give(struct control_answer *answer, json_t *json)
{
    answer->status = 200;
    answer->json = json;
}

const char *control_string(json_t *body, const char *key)
{
    const char *value = json_string_value(json_object_get(body, key));

    return value ? value : "";
}

bool control_flag(json_t *body, const char *key, bool otherwise)
{
    json_t *value = json_object_get(body, key);

    return json_is_boolean(value) ? json_is_true(value) : otherwise;
}

struct account *control_account(json_t *body, struct control_answer *answer)
{
    struct account *account = world_account(control_string(body, "owner"));

    if (!account)
        control_fail(answer, 404, "no such `owner`");
    return account;
}

static struct repository *repository_of(json_t *body, struct control_answer *answer)
{
    struct bytes owner;
    struct bytes name;
    struct repository *repository;
    bool renamed;

    bytes_cut(bytes_of_string(control_string(body, "repository")), '/', &owner, &name);
    repository = world_repository(owner, name, &renamed);
    if (!repository || renamed)
        control_fail(answer, 404, "no such `repository` (owner/name)");
    return renamed ? NULL : repository;
}

static void get_status(json_t *body, struct control_answer *answer)
{
    struct serve_counts counts = serve_count();
    uint64_t requests;
    uint64_t dropped;

    record_count(&requests, &dropped);
    control_give(answer,
                 json_pack("{s:I,s:I,s:I,s:I,s:I,s:s,s:s,s:i}", "connections", (json_int_t)counts.connections, "open",
                           (json_int_t)counts.open, "handshake_failures", (json_int_t)counts.handshake_failures,
                           "requests", (json_int_t)requests, "record_dropped", (json_int_t)dropped, "state",
                           world_state_directory(), "client_id", APP_CLIENT_ID, "app_id", APP_ID));
}

static void get_settings(json_t *body, struct control_answer *answer)
{
    control_give(answer, mock_setting_all());
}

static void change_settings(json_t *body, struct control_answer *answer)
{
    const char *key;

    if (mock_setting_update(body, &key))
        control_give(answer, mock_setting_all());
    else
        control_fail(answer, 400, key);
}

static void add_fault(json_t *body, struct control_answer *answer)
{
    const char *problem;
    uint64_t id = fault_add(body, &problem);

    if (id)
        control_give(answer, json_pack("{s:I}", "id", (json_int_t)id));
    else
        control_fail(answer, 400, problem);
}

static void list_faults(json_t *body, struct control_answer *answer)
{
    control_give(answer, fault_list());
}

static void remove_faults(json_t *body, struct control_answer *answer)
{
    fault_remove(0);
    control_give(answer, json_object());
}

static void clear_record(json_t *body, struct control_answer *answer)
{
    record_clear();
    control_give(answer, json_object());
}

static void use_certificate(json_t *body, struct control_answer *answer)
{
    for (int i = 0; i < CERTIFICATE_COUNT; i++) {
        if (strcmp(mock_ca_certificate_name((enum mock_certificate)i), control_string(body, "use")) == 0) {
            serve_use_certificate((enum mock_certificate)i, control_string(body, "host"));
            control_give(answer, json_object());
            return;
        }
    }
    control_fail(answer, 400, "`use` is good, wrong_name, untrusted or expired");
}

static void create_repository(json_t *body, struct control_answer *answer)
{
    struct account *account = control_account(body, answer);
    const char *name = control_string(body, "name");
    const char *import = json_string_value(json_object_get(body, "import"));
    bool private = control_flag(body, "private", true);
    struct repository *repository;
    bool renamed;
    bool made;

    if (!account)
        return;
    if (!*name || strchr(name, '/') ||
        (world_repository(bytes_of_string(account->login), bytes_of_string(name), &renamed) && !renamed)) {
        control_fail(answer, 409, "`name` is wanted, of a repository that is not there");
        return;
    }
    world_unlock();
    made = world_seed_directory(account->login, name, import, control_flag(body, "example", false), private);
    world_lock();
    if (!made) {
        control_fail(answer, 500, "the repository could not be made");
        return;
    }
    repository = world_add_repository(account, name, private);
    repository->selected = control_flag(body, "selected", true);
    control_give(answer, json_pack("{s:I,s:s}", "id", (json_int_t)repository->id, "directory", repository->directory));
}

static void change_repository(json_t *body, struct control_answer *answer)
{
    struct repository *repository = repository_of(body, answer);

    if (!repository)
        return;
    repository->private = control_flag(body, "private", repository->private);
    repository->selected = control_flag(body, "selected", repository->selected);
    repository->deleted = control_flag(body, "deleted", repository->deleted);
    control_give(answer, json_object());
}

static void rename_repository(json_t *body, struct control_answer *answer)
{
    struct repository *repository = repository_of(body, answer);

    if (repository) {
        world_rename_repository(repository, control_string(body, "name"));
        control_give(answer, json_object());
    }
}

static void rename_owner(json_t *body, struct control_answer *answer)
{
    struct account *account = control_account(body, answer);

    if (account) {
        world_rename_account(account, control_string(body, "name"));
        control_give(answer, json_object());
    }
}

static const struct control_route routes[] = {
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
    {0},
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

static control_handler *find_among(const struct control_route *route, const struct call *call)
{
    while (route->handle && (strcmp(route->method, call->method) != 0 || strcmp(route->path, call->path) != 0))
        route++;
    return route->handle;
}

static control_handler *find_handler(const struct call *call)
{
    control_handler *handle = find_among(routes, call);

    return handle ? handle : find_among(control_app_routes, call);
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
            control_fail(&answer, 404, "no such call; see README.md");
        else if (!json_is_object(body))
            control_fail(&answer, 400, "a JSON object is wanted");
        else
            handle(body, &answer);
        world_unlock();
        call_answer_json(call, answer.status, answer.json);
    }
    json_decref(body);
    mock_text_free(&text);
}
