#include "lfs_service.h"

#include "mock_setting.h"
#include "object_host.h"
#include "signed_url.h"

#define MEDIA_TYPE "application/vnd.git-lfs+json"
// git-lfs asks for at most 100 at once; GitHub's own limit is not documented.
#define OBJECTS_MAX 1000

void lfs_service_answer(struct call *call, int status, json_t *json)
{
    static const char plain[] = "Content-Type: " MEDIA_TYPE "; charset=utf-8\r\n";
    static const char challenge[] = "Content-Type: " MEDIA_TYPE "; charset=utf-8\r\n"
                                    "LFS-Authenticate: Basic realm=\"GitHub\"\r\n"
                                    "WWW-Authenticate: Basic realm=\"GitHub\"\r\n";
    char *body = json_dumps(json, JSON_COMPACT);

    call_answer(call, status, status == 401 ? challenge : plain, body, strlen(body));
    free(body);
    json_decref(json);
}

static json_t *action(char *href, json_t *header)
{
    char when[32];
    json_t *json;

    mock_setting_format_time(mock_setting_now() + SIGNED_URL_SECONDS, when, sizeof(when));
    json = json_pack("{s:s,s:o,s:s,s:i}", "href", href, "header", header, "expires_at", when, "expires_in",
                     SIGNED_URL_SECONDS);
    free(href);
    return json;
}

static json_t *transfer(const struct lfs_exchange *exchange, const char *oid, const char *method, json_t *header)
{
    char *path = object_host_lfs_path(exchange->repository, oid);
    char *url = signed_url_make(method, "github-cloud.s3.amazonaws.com", path);

    free(path);
    return action(url, header);
}

static json_t *upload_actions(const struct lfs_exchange *exchange, const char *oid)
{
    char *name = world_full_name(exchange->repository);
    char *code = object_host_verify_code(exchange->repository, oid);
    json_t *put =
        transfer(exchange, oid, "PUT",
                 json_pack("{s:s,s:s}", "Content-Type", "application/octet-stream", "x-amz-content-sha256", oid));
    json_t *verify = action(mock_text_format("https://lfs.github.com/%s/verify", name),
                            json_pack("{s:s,s:s}", "Authorization", code, "Accept", MEDIA_TYPE));

    free(code);
    free(name);
    return json_pack("{s:o,s:o}", "upload", put, "verify", verify);
}

static bool is_oid(const char *oid)
{
    return oid && strlen(oid) == 64 && strspn(oid, "0123456789abcdef") == 64;
}

static json_t *object_error(const char *oid, int64_t size, int code, const char *message)
{
    return json_pack("{s:s,s:I,s:{s:i,s:s}}", "oid", oid ? oid : "", "size", (json_int_t)size, "error", "code", code,
                     "message", message);
}

static json_t *answer_object(const struct lfs_exchange *exchange, json_t *asked, bool upload)
{
    const char *oid = json_string_value(json_object_get(asked, "oid"));
    json_t *size = json_object_get(asked, "size");
    json_t *object;
    bool there;

    if (!is_oid(oid) || !json_is_integer(size) || json_integer_value(size) < 0)
        return object_error(oid, 0, 422, "Invalid object");
    there = object_host_has(exchange->repository, oid, upload ? json_integer_value(size) : -1);
    if (!there && !upload)
        return object_error(oid, json_integer_value(size), 404, "Object does not exist on the server");
    object = json_pack("{s:s,s:O,s:b}", "oid", oid, "size", size, "authenticated", 1);
    if (!upload)
        json_object_set_new(object, "actions",
                            json_pack("{s:o}", "download", transfer(exchange, oid, "GET", json_object())));
    else if (!there)
        json_object_set_new(object, "actions", upload_actions(exchange, oid));
    return object;
}

static void fail(struct lfs_exchange *exchange, int status, const char *message)
{
    exchange->status = status;
    exchange->answer = json_pack("{s:s,s:s}", "message", message, "documentation_url",
                                 "https://docs.github.com/repositories/working-with-files/managing-large-files");
}

static bool is_upload(json_t *body)
{
    const char *operation = json_string_value(json_object_get(body, "operation"));

    return operation && strcmp(operation, "upload") == 0;
}

static void batch(struct lfs_exchange *exchange)
{
    const char *operation = json_string_value(json_object_get(exchange->body, "operation"));
    json_t *asked = json_object_get(exchange->body, "objects");
    json_t *objects = json_array();
    size_t i;
    json_t *object;

    if (!operation || (strcmp(operation, "upload") != 0 && strcmp(operation, "download") != 0) ||
        !json_is_array(asked) || json_array_size(asked) > OBJECTS_MAX) {
        json_decref(objects);
        fail(exchange, 422, "Invalid batch request");
        return;
    }
    json_array_foreach(asked, i, object)
        json_array_append_new(objects, answer_object(exchange, object, is_upload(exchange->body)));
    exchange->status = 200;
    exchange->answer = json_pack("{s:s,s:o,s:s}", "transfer", "basic", "objects", objects, "hash_algo", "sha256");
}

typedef void lfs_handler(struct lfs_exchange *exchange);

static const struct {
    const char *method;
    const char *pattern;
    int level; // of `contents`; 0: by the body's operation
    lfs_handler *handle;
} routes[] = {
    {"POST", "/*/*/info/lfs/objects/batch", 0, batch},
    {"GET", "/*/*/info/lfs/locks", 1, lfs_lock_list},
    {"POST", "/*/*/info/lfs/locks", 2, lfs_lock_create},
    {"POST", "/*/*/info/lfs/locks/verify", 2, lfs_lock_verify},
    {"POST", "/*/*/info/lfs/locks/*/unlock", 2, lfs_lock_remove},
};

static void refuse(struct lfs_exchange *exchange, const struct git_access *access)
{
    char *text = mock_text_copy_bytes(bytes_of(access->text, strcspn(access->text, "\n")));

    fail(exchange, access->status == 301 ? 404 : access->status, text);
    free(text);
}

// Decides and answers, under the world's lock.
static void handle(struct lfs_exchange *exchange, int level, lfs_handler *handler)
{
    struct git_access access;

    if (level == 0)
        level = is_upload(exchange->body) ? 2 : 1;
    access = git_service_access(exchange->call, "contents", level);
    if (access.status == 200) {
        exchange->repository = access.repository;
        exchange->actor = principal_login(&access.who);
        handler(exchange);
    } else {
        refuse(exchange, &access);
    }
    free(access.text);
}

static bool is_lfs_type(const char *type)
{
    return type && strncmp(type, MEDIA_TYPE, strlen(MEDIA_TYPE)) == 0;
}

static void serve_route(struct call *call, int level, lfs_handler *handler)
{
    struct lfs_exchange exchange = {.call = call};
    struct mock_text text = {0};

    if (!call_read_all(call, &text)) {
        mock_text_free(&text);
        return;
    }
    exchange.body = text.size ? json_loadb(text.data, text.size, JSON_REJECT_DUPLICATES, NULL) : NULL;
    world_lock();
    if (strcmp(call->method, "POST") == 0 && !is_lfs_type(call_header(call, "Content-Type")))
        fail(&exchange, 415, "Content-Type must be " MEDIA_TYPE);
    else if (strcmp(call->method, "POST") == 0 && !json_is_object(exchange.body))
        fail(&exchange, 400, "Problems parsing JSON");
    else
        handle(&exchange, level, handler);
    world_unlock();
    lfs_service_answer(call, exchange.status, exchange.answer);
    free(exchange.actor);
    json_decref(exchange.body);
    mock_text_free(&text);
}

void lfs_service_serve(struct call *call)
{
    bool locks = call_path_is(call, 0, "/*/*/info/lfs/locks/**");

    for (size_t i = 0; i < GL_ARRAY_SIZE(routes); i++) {
        if (strcmp(routes[i].method, call->method) == 0 && call_path_is(call, 0, routes[i].pattern) &&
            !(locks && mock_setting_get(SETTING_LOCKS) == 0)) {
            serve_route(call, routes[i].level, routes[i].handle);
            return;
        }
    }
    lfs_service_answer(call, 404, json_pack("{s:s}", "message", "Not Found"));
}
