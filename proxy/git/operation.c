#include "operation.h"

#include "api_route.h"
#include "plain_path.h"
#include "web_route.h"

// clang-format off
static const struct operation_traits kinds[OPERATION_KIND_COUNT + 1] = {
    [OPERATION_FETCH_REFS] = {
        LABEL_FETCH, FORM_TEXT, AUTHORIZATION_BASIC, ACCESS_FETCH, PERMISSION_READ, GATE_NONE,
        .keeping = KEEPING_ANSWER, .git = true, .advertisement = true, .repeatable = true, .gateway = true},
    [OPERATION_FETCH] = {
        LABEL_FETCH, FORM_UPLOAD_PACK, AUTHORIZATION_BASIC, ACCESS_FETCH, PERMISSION_READ, GATE_PROBE,
        .keeping = KEEPING_USE, .git = true, .reads = true, .repeatable = true, .drained = true, .gateway = true,
        .token_at_once = true},
    [OPERATION_PUSH_REFS] = {
        LABEL_PUSH, FORM_TEXT, AUTHORIZATION_BASIC, ACCESS_PUSH, PERMISSION_WRITE, GATE_NONE,
        .git = true, .advertisement = true, .writes = true, .repeatable = true, .gateway = true},
    [OPERATION_PUSH] = {
        LABEL_PUSH, FORM_RECEIVE_PACK, AUTHORIZATION_BASIC, ACCESS_PUSH, PERMISSION_WRITE, GATE_PUSH,
        .git = true, .writes = true, .drained = true, .gateway = true, .token_at_once = true},
    [OPERATION_LFS_BATCH] = {
        LABEL_LFS, FORM_LFS, AUTHORIZATION_BASIC, ACCESS_LFS, PERMISSION_READ, GATE_LFS_BATCH,
        .repeatable = true, .gateway = true},
    [OPERATION_LFS_LOCKS] = {
        LABEL_LFS, FORM_LFS, AUTHORIZATION_BASIC, ACCESS_FETCH, PERMISSION_READ, GATE_NONE,
        .gateway = true},
    [OPERATION_LFS_LOCK] = {
        LABEL_LFS, FORM_LFS, AUTHORIZATION_BASIC, ACCESS_LFS_LOCK, PERMISSION_WRITE, GATE_LFS_LOCK,
        .writes = true, .gateway = true},
    [OPERATION_LFS_LOCKS_VERIFY] = {
        LABEL_LFS, FORM_LFS, AUTHORIZATION_BASIC, ACCESS_LFS_LOCK, PERMISSION_WRITE, GATE_LFS_LOCK,
        .writes = true, .gateway = true, .hidden = true},
    [OPERATION_LFS_UNLOCK] = {
        LABEL_LFS, FORM_LFS, AUTHORIZATION_BASIC, ACCESS_LFS_LOCK, PERMISSION_WRITE, GATE_LFS_LOCK,
        .writes = true, .gateway = true},
    [OPERATION_API_REPOSITORY] = {
        LABEL_API, FORM_API, AUTHORIZATION_BEARER, ACCESS_API, PERMISSION_NONE, GATE_NONE},
    [OPERATION_API_REPOSITORY_ID] = {
        LABEL_API, FORM_API, AUTHORIZATION_BEARER, ACCESS_REPOSITORY_ID, PERMISSION_NONE, GATE_NONE},
    [OPERATION_API_OTHER] = {
        LABEL_API, FORM_API, AUTHORIZATION_BEARER, ACCESS_SET, PERMISSION_NONE, GATE_NONE},
    [OPERATION_GRAPHQL] = {
        LABEL_API, FORM_API, AUTHORIZATION_BEARER, ACCESS_GRAPHQL, PERMISSION_NONE, GATE_GRAPHQL},
    [OPERATION_PAGE] = {
        LABEL_OTHER, FORM_TEXT, AUTHORIZATION_NONE, ACCESS_NONE, PERMISSION_NONE, GATE_NONE},
    [OPERATION_UNKNOWN] = {
        LABEL_OTHER, FORM_TEXT, AUTHORIZATION_NONE, ACCESS_NONE, PERMISSION_NONE, GATE_NONE},
};
// clang-format on

const struct operation_traits *operation_traits(enum operation_kind kind)
{
    return &kinds[kind];
}

// Finds the table that a path belongs to. An Enterprise Server has all on one host; what it answers under
// `/api` is taken for the same on the API's own host, where nobody should ask for it.
static bool parse_path(struct operation *operation, struct plain_path *path, enum head_method method,
                       const struct target *target, struct verdict *verdict)
{
    bool server = operation->host->flavor == GITHUB_ENTERPRISE_SERVER;
    bool below_api = (server || operation->endpoint != GITHUB_ENDPOINT_WEB) && plain_path_skip(path, BYTES("api"));

    if (below_api && plain_path_skip(path, BYTES("uploads")))
        operation->endpoint = GITHUB_ENDPOINT_UPLOADS;
    else if (below_api && (plain_path_skip(path, BYTES("v3")) || bytes_start_with(path->plain, BYTES("graphql"))))
        operation->endpoint = GITHUB_ENDPOINT_API;

    if (operation->endpoint != GITHUB_ENDPOINT_WEB)
        return api_route_parse(operation, path, method, verdict);
    if (below_api) {
        path->raw = bytes_of(NULL, 0); // lies under no repository
        return web_route_parse_page(operation, path, method, verdict);
    }
    return web_route_parse(operation, path, method, target, verdict);
}

bool operation_parse(const struct github_host *host, enum github_endpoint endpoint, enum head_method method,
                     const struct target *target, struct operation *ret_operation, struct verdict *ret_verdict)
{
    struct plain_path path;
    bool parsed;

    *ret_operation = (struct operation){
        .kind = endpoint == GITHUB_ENDPOINT_WEB ? OPERATION_PAGE : OPERATION_API_OTHER,
        .host = host,
        .endpoint = endpoint,
        .reads = method == METHOD_GET || method == METHOD_HEAD,
    };
    if (target->form == TARGET_ASTERISK)
        return verdict_set(ret_verdict, REASON_NAME_MALFORMED, "the target `*` names nothing that GitHub serves");
    plain_path_init(&path, target->path);
    parsed = parse_path(ret_operation, &path, method, target, ret_verdict);
    plain_path_clear(&path);
    if (parsed && (method == METHOD_OTHER || method == METHOD_CONNECT))
        return verdict_set(ret_verdict, REASON_METHOD, NULL);
    return parsed;
}

void operation_resolve(struct operation *operation, const struct repository_name *repository)
{
    operation->kind = OPERATION_API_REPOSITORY;
    operation->repository = *repository;
}

const char *operation_label_name(enum operation_label label)
{
    static const char *const names[LABEL_COUNT] = {"fetch", "push", "lfs", "api", "tunnel", "other"};

    return names[label];
}
