#include "request.h"

#include <stddef.h>
#include <string.h>

#include "body.h"
#include "git_host_kind.h"
#include "mem.h"
#include "stream.h"
#include "text.h"

#define HTTPS_PORT 443

void request_init(struct request *request, struct request_ids *ids)
{
    memset(request, 0, offsetof(struct request, head));
    request->operation.kind = OPERATION_KIND_COUNT;
    request_ids_next(ids, request->id);
}

void request_clear(struct request *request)
{
    if (request->head_bytes != request->head_room)
        mem_free(request->head_bytes);
    mem_free(request->own_path);
    request->own_path = NULL;
    request->head_bytes = NULL;
}

void request_take_head(struct request *request, const struct head *head, const char *data)
{
    struct body body;

    request->head_bytes = head->size <= sizeof(request->head_room) ? request->head_room : mem_alloc(head->size);
    head_copy(&request->head, request->head_bytes, head, data);
    body_from_request(&body, &request->head);
    request->has_body = !body_is_done(&body);
    request->is_http = true;
}

// CONNECT name, SNI and Host must be one: nothing is forwarded where they are not.
static bool request_names_agree(const struct request *request, const struct client *client)
{
    const struct target *target = &request->target;
    SSL *ssl = stream_ssl(client->stream);
    const char *sni = ssl ? SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name) : NULL;
    struct host_name host;
    uint16_t port;

    if (sni && (!host_name_parse(bytes_of_string(sni), &host) || !host_name_equal(&host, &client->host)))
        return false;
    if (request->head.host.size > 0 && (!host_name_parse_authority(request->head.host, HTTPS_PORT, &host, &port) ||
                                        port != client->port || !host_name_equal(&host, &client->host)))
        return false;
    return target->form != TARGET_ABSOLUTE ||
           (target->https && target->port == client->port && host_name_equal(&target->host, &client->host));
}

// The target cannot be read. On a host of the API that is said as the API says it.
static bool refuse_target(struct request *request, const struct client *client, const struct runtime *runtime,
                          const char *bad, struct verdict *ret_verdict)
{
    enum github_endpoint endpoint;
    const struct runtime_host *host = runtime_find_host(runtime, &client->host, client->port, &endpoint);
    bool github = host && git_host_is_github(host->git);
    bool below_api = github && github_host_of(host->git)->flavor == GITHUB_ENTERPRISE_SERVER &&
                     bytes_start_with(request->head.target, BYTES("/api/"));

    if (github && (endpoint != GITHUB_ENDPOINT_WEB || below_api))
        request->operation.kind = OPERATION_API_OTHER;
    return verdict_set(ret_verdict, REASON_NAME_MALFORMED, "the request's target: %s", bad);
}

// What the gateway serves, and the API.
static bool is_served_in_plain(const struct operation *operation)
{
    return operation_traits(operation->kind)->gateway || operation_label(operation->kind) == LABEL_API;
}

// Azure DevOps knows what an SSH remote names under another path: both are one for all that follows.
static void use_own_path(struct request *request)
{
    const struct git_host_kind *kind = git_host_kind(request->host->git->type);
    struct text path = {0};

    if (kind->own_path && request->target.form != TARGET_ASTERISK && kind->own_path(request->target.path, &path)) {
        request->own_path = mem_string(text_string(&path));
        request->target.path = bytes_of_string(request->own_path);
    }
    text_free(&path);
}

bool request_find_operation(struct request *request, const struct client *client, const struct runtime *runtime,
                            struct verdict *ret_verdict)
{
    const struct head *head = &request->head;
    bool gateway = client->mode == AUDIT_GATEWAY;
    struct host_name host = client->host;
    uint16_t port = client->port;
    enum github_endpoint endpoint;
    const char *bad;

    if (head->method == METHOD_OTHER || head->method == METHOD_CONNECT)
        return verdict_set(ret_verdict, REASON_METHOD, NULL);
    if (!target_parse(head->method, head->target, &request->target, &bad))
        return refuse_target(request, client, runtime, bad, ret_verdict);
    if (gateway && !client->callbacks->route(client->arg, head, &request->target, &host, &port, ret_verdict))
        return false;
    if (!gateway && !request_names_agree(request, client))
        return verdict_set(ret_verdict, REASON_MISDIRECTED, NULL);
    request->host = runtime_find_host(runtime, &host, port, &endpoint);
    if (!request->host)
        return verdict_set(ret_verdict, REASON_GATEWAY_ROUTE, NULL);
    use_own_path(request);
    if (!git_host_read(request->host->git, endpoint, head->method, &request->target, &request->operation, ret_verdict))
        return false;
    if (gateway && !operation_traits(request->operation.kind)->gateway)
        return verdict_set(ret_verdict, REASON_GATEWAY_ROUTE, NULL);
    if (client->plain && !is_served_in_plain(&request->operation))
        return verdict_set(ret_verdict, REASON_PLAIN_HTTPS, "a page was asked for without TLS");
    return true;
}

const char *request_upstream_name(const struct request *request)
{
    const struct git_host *host = request->operation.host;

    if (git_host_is_github(host) && request->operation.endpoint == GITHUB_ENDPOINT_API)
        return github_host_of(host)->api;
    if (git_host_is_github(host) && request->operation.endpoint == GITHUB_ENDPOINT_UPLOADS)
        return github_host_of(host)->uploads;
    return host->name;
}

const char *request_upstream_authority(const struct request *request)
{
    const struct git_host *host = request->operation.host;

    return git_host_is_github(host) ? request_upstream_name(request) : host->web;
}
