#include <jansson.h>
#include <string.h>

#include "broker_call.h"
#include "endpoint.h"
#include "log.h"
#include "mem.h"
#include "secret.h"
#include "service.h"

static void on_platform_token(struct broker_call *call, struct token *token)
{
    struct bytes value = secret_bytes(token->value);
    char end[WALL_TEXT_SIZE];

    if (token->granted.wide) {
        broker_call_refuse_with(call, REASON_SCOPE, 500,
                                "the App gives no token, and no other credential is given away");
        return;
    }
    wall_format_rfc3339(token->expires_at, WALL_SECONDS, end);
    json_t *root = json_pack("{s:s%, s:s}", "token", value.data, value.size, "expires_at", end);
    char *json = json_dumps(root, JSON_COMPACT);
    broker_call_answer(call, bytes_of_string(json), token);
    mem_wiping_free(json);
    json_decref(root);
}

static void on_failure(struct broker_call *call, const struct verdict *verdict)
{
    struct verdict told = *verdict;

    if (verdict->reason == REASON_NO_CREDENTIAL || verdict->reason == REASON_NOT_INSTALLED)
        told.status = 404;
    else if (verdict->reason == REASON_OWNER_UNKNOWN)
        told.status = 400;
    else
        told.status = 500;
    if (told.status == 500)
        log_error("broker", "[github] no token for the platform (%s): %s", call->scope, verdict->sentence);
    broker_call_refuse(call, &told);
}

// The bearer that opens this endpoint. Who guesses is slowed down, by his address.
static bool is_admin(struct broker_call *call)
{
    struct secret_file *file = &call->runtime->admin_token;
    struct error error;
    bool changed;

    if (!secret_file_refresh(file, &changed, &error))
        log_error("broker", "broker.admin_token: %s; the one that was read before counts", error.text);
    if (secret_equal(file->secret, broker_call_bearer(call)))
        return true;
    if (broker_call_within_limit(call, call->client))
        broker_call_refuse_with(call, REASON_CALLER_UNPROVEN, 401, "this is not the admin token");
    return false;
}

// The value of `owner` in the query; false: it is no owner's name.
static bool find_owner(struct bytes query, char ret_owner[OWNER_NAME_SIZE])
{
    struct bytes parameter, name, value;
    struct repository_name any;

    while (query.size > 0) {
        bytes_cut(query, '&', &parameter, &query);
        if (!bytes_cut(parameter, '=', &name, &value) || !bytes_equal(name, BYTES("owner")) || value.size == 0)
            continue;
        if (!repository_name_parse(value, BYTES("any"), &any))
            return false;
        memcpy(ret_owner, any.owner, sizeof(any.owner));
    }
    return true;
}

void endpoint_platform(struct broker_call *call)
{
    struct scope scope = {
        .host = &call->runtime->config->githubs[0].host.git,
        .reach = SCOPE_INSTALLATION,
        .use = SCOPE_USE_API,
        .all_permissions = true,
    };

    if (!is_admin(call))
        return;
    if (!find_owner(service_call_target(call->http)->query, scope.repository.owner)) {
        broker_call_refuse_with(call, REASON_QUESTION_MALFORMED, 400, "`owner` must be the name of an owner");
        return;
    }
    call->question.host = &call->runtime->config->githubs[0].host;
    call->scope = mem_format("%s%sall permissions", scope.repository.owner, *scope.repository.owner ? " " : "");
    broker_call_ask(call, &scope, on_platform_token, on_failure);
}
