#include "api_service.h"

#include "api.h"
#include "mock_setting.h"
#include "object_host.h"

#define NO_USER_AGENT                                                                                                  \
    "Request forbidden by administrative rules. Please make sure your request has a User-Agent header "                \
    "(https://docs.github.com/en/rest/overview/resources-in-the-rest-api#user-agent-required). "                       \
    "Check https://developer.github.com for other possible causes.\n"
#define NOT_ACCESSIBLE "Resource not accessible by integration"

static const struct api_route *find_route(const struct api_route *routes, const struct call *call, size_t first)
{
    const char *method = strcmp(call->method, "HEAD") == 0 ? "GET" : call->method;

    for (; routes->handle; routes++) {
        if (strcmp(routes->method, method) == 0 && call_path_is(call, first, routes->pattern))
            return routes;
    }
    return NULL;
}

// Whether the caller is one whom the route is for.
static bool check_audience(const struct api_request *request, const struct api_route *route, struct api_answer *answer)
{
    enum principal_kind kind = request->who.kind;

    if (route->audience == API_APP && kind != PRINCIPAL_APP)
        api_fail(answer, 401, "A JSON web token could not be decoded");
    else if (route->audience != API_APP && kind == PRINCIPAL_APP)
        api_fail(answer, 401, "Bad credentials");
    else if (route->audience > API_APP && kind == PRINCIPAL_NOBODY)
        api_fail(answer, 401, "Requires authentication");
    else if (route->audience == API_USER && kind == PRINCIPAL_INSTALLATION)
        api_fail(answer, 403, NOT_ACCESSIBLE);
    else if (route->audience == API_INSTALLATION && kind == PRINCIPAL_USER)
        api_fail(answer, 403, "You must authenticate with an installation access token");
    else
        return true;
    return false;
}

static bool check_permission(const struct api_request *request, const struct api_route *route,
                             struct api_answer *answer)
{
    static const char *const levels[] = {"", "read", "write", "admin"};

    mock_text_printf(&answer->headers, "X-Accepted-GitHub-Permissions: %s=%s\r\n", route->permission,
                     levels[route->level]);
    switch (principal_access(&request->who, request->repository, route->permission, route->level)) {
    case ACCESS_YES:
        return true;
    case ACCESS_HIDDEN:
        api_fail(answer, 404, "Not Found");
        return false;
    case ACCESS_NOT_GRANTED:
        if (request->who.kind == PRINCIPAL_NOBODY)
            api_fail(answer, 401, "Requires authentication");
        else
            api_fail(answer, 403, NOT_ACCESSIBLE);
        return false;
    }
    return false;
}

static void redirect_renamed(const struct api_request *request, struct api_answer *answer)
{
    char *rest = call_path_from(request->call, 3);
    char *url = mock_text_format("%s/repositories/%llu%s%s%s%s", request->call->host->api_url,
                                 (unsigned long long)request->repository->id, *rest ? "/" : "", rest,
                                 *request->call->query ? "?" : "", request->call->query);

    mock_text_printf(&answer->headers, "Location: %s\r\n", url);
    api_give(answer, strcmp(request->call->method, "GET") == 0 ? 301 : 307,
             json_pack("{s:s,s:s,s:s}", "message", "Moved Permanently", "url", url, "documentation_url",
                       "https://docs.github.com/rest/guides/best-practices-for-using-the-rest-api#follow-redirects"));
    free(url);
    free(rest);
}

// Finds the repository that the path names. False: answered.
static bool find_repository(struct api_request *request, struct api_answer *answer)
{
    struct call *call = request->call;
    bool renamed = false;

    if (call_path_is(call, 0, "/repositories/*/**")) {
        request->rest = 2;
        request->repository = world_repository_by_id(strtoull(call->segments[1], NULL, 10));
    } else {
        request->rest = 3;
        request->repository =
            world_repository(bytes_of_string(call->segments[1]), bytes_of_string(call->segments[2]), &renamed);
    }
    if (!request->repository ||
        (request->who.kind != PRINCIPAL_APP &&
         principal_access(&request->who, request->repository, "metadata", 1) == ACCESS_HIDDEN)) {
        api_fail(answer, 404, "Not Found");
        return false;
    }
    if (renamed)
        redirect_renamed(request, answer);
    return !renamed;
}

static void handle(struct api_request *request, struct api_answer *answer)
{
    struct call *call = request->call;
    bool of_repository = call_path_is(call, 0, "/repos/*/*/**") || call_path_is(call, 0, "/repositories/*/**");
    const struct api_route *route;

    if (of_repository && !find_repository(request, answer))
        return;
    route =
        of_repository ? find_route(api_repository_routes, call, request->rest) : find_route(api_app_routes, call, 0);
    if (!route) {
        api_fail(answer, 404, "Not Found");
        return;
    }
    if (!check_audience(request, route, answer) ||
        (of_repository && route->permission && !check_permission(request, route, answer)))
        return;
    route->handle(request, answer);
}

static void add_rate(struct api_answer *answer, int64_t limit, int64_t used, int64_t reset)
{
    mock_text_printf(&answer->headers,
                     "X-RateLimit-Limit: %lld\r\nX-RateLimit-Remaining: %lld\r\nX-RateLimit-Used: %lld\r\n"
                     "X-RateLimit-Reset: %lld\r\nX-RateLimit-Resource: core\r\n",
                     (long long)limit, (long long)(limit > used ? limit - used : 0), (long long)used, (long long)reset);
}

// Counts the request against its installation's limit. False: over it, answered.
static bool count_rate(const struct api_request *request, struct api_answer *answer)
{
    struct installation *installation = request->who.installation;
    int64_t now = mock_setting_now();
    char *message;
    bool within;

    if (!installation) {
        add_rate(answer, request->who.kind == PRINCIPAL_NOBODY ? 60 : WORLD_RATE_LIMIT, 1, now + 3600);
        return true;
    }
    if (now >= installation->rate_reset) {
        installation->rate_used = 0;
        installation->rate_reset = now + 3600;
    }
    within = installation->rate_used < installation->rate_limit;
    installation->rate_used += within;
    add_rate(answer, installation->rate_limit, installation->rate_used, installation->rate_reset);
    if (!within && !call_path_is(request->call, 0, "/rate_limit")) {
        message =
            mock_text_format("API rate limit exceeded for installation ID %llu.", (unsigned long long)installation->id);
        api_fail(answer, 403, message);
        free(message);
        return false;
    }
    return true;
}

// Under the world's lock, since the JSON holds parts of the world.
static void write_json(struct api_answer *answer)
{
    char *json = answer->json ? json_dumps(answer->json, JSON_COMPACT) : NULL;

    if (json) {
        mock_text_clear(&answer->raw);
        mock_text_add_string(&answer->raw, json);
        answer->type = NULL;
    }
    free(json);
    json_decref(answer->json);
    answer->json = NULL;
}

static void send_answer(struct call *call, struct api_answer *answer)
{
    mock_text_printf(&answer->headers, "Content-Type: %s\r\nX-GitHub-Media-Type: github.v3; format=json\r\n",
                     answer->type ? answer->type : "application/json; charset=utf-8");
    call_answer(call, answer->status, mock_text_string(&answer->headers), mock_text_string(&answer->raw),
                answer->raw.size);
}

static bool is_upload(const struct call *call)
{
    return strcmp(call->method, "POST") == 0 && call_path_is(call, 0, "/repos/*/*/releases/*/assets");
}

// Puts the body of a release's asset into a file.
static bool receive_upload(struct api_request *request)
{
    char *digest;

    request->upload =
        mock_text_format("%s/assets/upload-%llu", world_state_directory(), (unsigned long long)request->call->wire->id);
    digest = object_host_receive_file(request->call, request->upload);
    free(digest);
    return digest != NULL;
}

// Reads a JSON body, where there is one. False: broken, or answered.
static bool read_body(struct api_request *request, struct api_answer *answer)
{
    struct mock_text body = {0};
    bool whole;

    if (is_upload(request->call))
        return receive_upload(request);
    whole = call_read_all(request->call, &body);
    if (whole && body.size > 0) {
        request->body = json_loadb(body.data, body.size, JSON_REJECT_DUPLICATES, NULL);
        if (!json_is_object(request->body)) {
            api_fail(answer, 400, "Problems parsing JSON");
            whole = false;
        }
    }
    mock_text_free(&body);
    return whole;
}

static void forget_upload(struct api_request *request)
{
    if (request->upload)
        remove(request->upload);
    free(request->upload);
}

void api_service_serve(struct call *call)
{
    struct api_request request = {.call = call};
    struct api_answer answer = {0};

    if (!call_header(call, "User-Agent") || !*call_header(call, "User-Agent")) {
        call_answer_text(call, 403, NO_USER_AGENT);
        return;
    }
    if (read_body(&request, &answer)) {
        world_lock();
        request.who = principal_of_api(call);
        if (request.who.kind == PRINCIPAL_BAD)
            api_fail(&answer, request.who.status, request.who.problem);
        else if (count_rate(&request, &answer))
            handle(&request, &answer);
        write_json(&answer);
        world_unlock();
    }
    write_json(&answer);
    if (answer.status && !call->answered)
        send_answer(call, &answer);
    forget_upload(&request);
    json_decref(request.body);
    mock_text_free(&answer.headers);
    mock_text_free(&answer.raw);
}
