#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "broker_call.h"
#include "endpoint.h"
#include "grants.h"
#include "mem.h"
#include "secret.h"
#include "service.h"
#include "text.h"

// The token goes first: what follows it may be long, and need not be wiped (service_answer).
static json_t *answer_of(const struct broker_call *call, struct token *token)
{
    const struct token_question *question = &call->question;
    const struct token_scope *granted = &token->granted;
    struct bytes value = secret_bytes(token->value);
    json_t *repositories = json_array(), *permissions = json_object();
    char end[WALL_TEXT_SIZE];

    for (size_t i = 0; i < granted->repository_count; i++)
        json_array_append_new(repositories, json_pack("{s:I, s:s}", "id", (json_int_t)granted->repositories[i].id,
                                                      "name", granted->repositories[i].name.name));
    for (size_t i = 0; i < granted->permissions.count; i++)
        json_object_set_new(permissions, granted->permissions.items[i].name,
                            json_string(permission_level_name(granted->permissions.items[i].level)));
    wall_format_rfc3339(token->expires_at, WALL_SECONDS, end);
    json_t *root = json_pack("{s:s%, s:s, s:s, s:s}", "token", value.data, value.size, "expires_at", end, "host",
                             question->host->web, "owner", question->owner);
    json_object_set_new(root, "repositories", repositories);
    json_object_set_new(root, "permissions", permissions);
    return root;
}

static void on_narrow_token(struct broker_call *call, struct token *token)
{
    if (token->granted.wide) {
        broker_call_refuse_with(call, REASON_SCOPE, 503, "the broker's credential gives no narrow tokens");
        return;
    }
    json_t *root = answer_of(call, token);
    char *json = json_dumps(root, JSON_COMPACT);

    broker_call_answer(call, bytes_of_string(json), token);
    mem_wiping_free(json);
    json_decref(root);
}

static int compare_name(const void *a, const void *b)
{
    return strcmp(((const struct repository_name *)a)->name, ((const struct repository_name *)b)->name);
}

static bool includes(const void *arg, const struct repository_name *name)
{
    const struct token_question *question = arg;

    return strcmp(name->owner, question->owner) == 0 &&
           bsearch(name, question->names, question->count, sizeof(*name), compare_name) != NULL;
}

// They are asked for by name: nothing has to be listed first.
static size_t list(const void *arg, const char *owner, struct repository_name *ret_names, size_t room)
{
    const struct token_question *question = arg;

    if (question->count > room)
        return 0;
    memcpy(ret_names, question->names, question->count * sizeof(*ret_names));
    return question->count;
}

static void on_proven(struct broker_call *call)
{
    struct token_question *question = &call->question;
    struct scope scope = {.reach = SCOPE_REPOSITORY, .use = SCOPE_USE_API, .ruled = true};
    struct verdict verdict;
    struct text label = {0};
    struct error error;

    if (!token_question_parse(service_call_body(call->http), call->runtime->config, question, &error)) {
        broker_call_refuse_with(call, REASON_QUESTION_MALFORMED, 400, error.text);
        return;
    }
    bool allowed = grants_allow(&call->runtime->config->broker, &call->caller, question, &verdict);
    token_question_label(question, &label);
    call->scope = mem_string(text_string(&label));
    text_free(&label);
    if (!allowed) {
        broker_call_refuse(call, &verdict);
        return;
    }
    scope.host = &question->host->git;
    scope.permissions = question->permissions;
    scope.tenant = call->tenant;
    scope.rejected = question->rejected;
    memcpy(scope.repository.owner, question->owner, sizeof(scope.repository.owner));
    if (question->count == 1) {
        scope.repository = question->names[0];
    } else {
        scope.reach = SCOPE_SET;
        scope.includes = includes;
        scope.names = list;
        scope.rules = question;
    }
    broker_call_ask(call, &scope, on_narrow_token, broker_call_fail);
}

void endpoint_token(struct broker_call *call)
{
    broker_call_prove(call, on_proven);
}
