#include "exchange_answer.h"

#include "exchange_state.h"
#include "log.h"

void exchange_answer_send(struct exchange *exchange)
{
    struct own_answer_context context = {
        .client = exchange->client,
        .request = &exchange->request,
        .verdict = &exchange->verdict,
        .gate = exchange->upload.gate,
        .push = &exchange->judgement.push,
        .budget = &exchange->budget,
    };

    if (!upload_is_at_end(&exchange->upload) || *exchange->client->draining)
        exchange->client_closes = true;
    context.close = exchange->client_closes;
    switch (own_answer_send(&exchange->own_answer, &context)) {
    case OWN_ANSWER_MORE:
        break;
    case OWN_ANSWER_SENT:
        exchange_state_finish(exchange);
        break;
    case OWN_ANSWER_TOO_LARGE:
        exchange_state_close_client(exchange, REASON_INTERNAL);
        break;
    }
}

void exchange_answer_drain(struct exchange *exchange)
{
    enum upload_result result = upload_drain(&exchange->upload);

    if (result == UPLOAD_GONE)
        exchange_state_close_client(exchange, REASON_CLIENT_GONE);
    else if (result == UPLOAD_DRAINED && exchange->phase == EXCHANGE_DONE)
        exchange_state_finish(exchange);
    else if (result == UPLOAD_DRAINED)
        exchange_answer_send(exchange);
}

void exchange_answer_begin(struct exchange *exchange, enum own_answer_kind kind)
{
    judgement_stop(&exchange->judgement);
    attempt_end(&exchange->attempt, false);
    exchange->own_answer.kind = kind;
    exchange_state_enter(exchange, EXCHANGE_ANSWERS);
    if (upload_stop(&exchange->upload))
        exchange_answer_drain(exchange);
    else
        exchange_answer_send(exchange);
}

// Where a broker grants nothing, what it said is the reason, such as the claim of the workspace's token that no grant takes.
static void name_brokers_reason(struct exchange *exchange, const struct verdict *verdict)
{
    const struct ruling *ruling = exchange->judgement.ruling;

    if (!ruling || !ruling->why ||
        (verdict->reason != REASON_REPOSITORY_DENIED && verdict->reason != REASON_GITHUB_ANONYMOUS))
        return;
    verdict_set(&exchange->verdict, verdict->reason, "%s; the broker grants nothing: %s", verdict->sentence,
                ruling->why);
    exchange->verdict.status = verdict->status;
}

void exchange_answer_refuse(struct exchange *exchange, const struct verdict *verdict)
{
    exchange->verdict = *verdict;
    name_brokers_reason(exchange, verdict);
    log_debug("exchange", "request %s: %s: %s", exchange->request.id, reason_row(verdict->reason)->code,
              verdict->sentence);
    if (operation_traits(exchange->request.operation.kind)->keeping == KEEPING_USE)
        kept_answer_forget(exchange->runtime, &exchange->request.operation);
    if (exchange_state_status(exchange) != 0)
        exchange_state_close_client(exchange, verdict->reason);
    else
        exchange_answer_begin(exchange, OWN_ANSWER_VERDICT);
}

void exchange_answer_refuse_for(struct exchange *exchange, enum reason reason, const char *sentence)
{
    struct verdict verdict;

    if (sentence)
        verdict_set(&verdict, reason, "%s", sentence);
    else
        verdict_set(&verdict, reason, NULL);
    exchange_answer_refuse(exchange, &verdict);
}
