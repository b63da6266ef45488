#include "github_operation.h"

#include "api_route.h"
#include "plain_path.h"
#include "web_route.h"

// Finds the table that a path belongs to. An Enterprise Server has all on one host; what it answers under
// `/api` is taken for the same on the API's own host, where nobody should ask for it.
static bool parse_path(struct operation *operation, struct plain_path *path, enum head_method method,
                       const struct target *target, struct verdict *verdict)
{
    bool server = github_host_of(operation->host)->flavor == GITHUB_ENTERPRISE_SERVER;
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

bool github_operation_parse(const struct github_host *host, enum github_endpoint endpoint, enum head_method method,
                            const struct target *target, struct operation *ret_operation, struct verdict *ret_verdict)
{
    struct plain_path path;
    bool parsed;

    *ret_operation = (struct operation){
        .kind = endpoint == GITHUB_ENDPOINT_WEB ? OPERATION_PAGE : OPERATION_API_OTHER,
        .host = &host->git,
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
