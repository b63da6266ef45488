#include <jansson.h>

#include "broker_call.h"
#include "endpoint.h"
#include "grants.h"
#include "mem.h"
#include "service.h"

// Of what the installation covers, the page that was asked for of what the caller's grants hold.
static void on_listing(struct broker_call *call, const struct token_listing *listing)
{
    const struct token_question *question = &call->question;
    size_t first = (question->page - 1) * (size_t)TOKEN_QUESTION_PAGE_SIZE, held = 0;

    if (listing->wide) {
        broker_call_refuse_with(call, REASON_SCOPE, 503, "the broker's credential names no repositories");
        return;
    }
    json_t *repositories = json_array();
    for (size_t i = 0; i < listing->count; i++) {
        const struct token_repository *repository = &listing->repositories[i];

        if (!grants_hold(&call->runtime->config->broker, &call->caller, &repository->name))
            continue;
        if (held >= first && held < first + TOKEN_QUESTION_PAGE_SIZE)
            json_array_append_new(
                repositories, json_pack("{s:I, s:s}", "id", (json_int_t)repository->id, "name", repository->name.name));
        held++;
    }
    json_t *root = json_pack("{s:s, s:s, s:I, s:o}", "host", question->host->web, "owner", question->owner,
                             "total_count", (json_int_t)held, "repositories", repositories);
    char *json = json_dumps(root, JSON_COMPACT);
    broker_call_answer(call, bytes_of_string(json), NULL);
    mem_wiping_free(json);
    json_decref(root);
}

static void on_proven(struct broker_call *call)
{
    struct token_question *question = &call->question;
    struct verdict verdict;
    struct error error;

    if (!token_question_parse_listing(service_call_body(call->http), call->runtime->config, question, &error)) {
        broker_call_refuse_with(call, REASON_QUESTION_MALFORMED, 400, error.text);
        return;
    }
    if (!grants_allow_listing(&call->runtime->config->broker, &call->caller, question, &verdict)) {
        broker_call_refuse(call, &verdict);
        return;
    }
    call->scope = mem_format("%s (names)", question->owner);
    broker_call_list(call, on_listing, broker_call_fail);
}

void endpoint_repositories(struct broker_call *call)
{
    broker_call_prove(call, on_proven);
}
