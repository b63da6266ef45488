#include "broker_call.h"
#include "endpoint.h"
#include "grants.h"
#include "text.h"

static void on_endpoint_rules_proven(struct broker_call *call)
{
    const struct config_broker *broker = &call->runtime->config->broker;
    struct text json = {0}, message = {0};

    grants_describe(broker, &call->caller, &json);
    grants_explain_none(broker, &call->caller, &message);
    broker_call_answer_with(call, text_bytes(&json), text_bytes(&message));
    text_free(&message);
    text_free(&json);
}

void endpoint_rules(struct broker_call *call)
{
    call->quiet = true;
    broker_call_prove(call, on_endpoint_rules_proven);
}
