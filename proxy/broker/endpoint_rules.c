#include "broker_call.h"
#include "endpoint.h"
#include "grants.h"
#include "text.h"

static void on_proven(struct broker_call *call)
{
    struct text json = {0};

    grants_describe(&call->runtime->config->broker, &call->caller, &json);
    broker_call_answer(call, text_bytes(&json), NULL);
    text_free(&json);
}

void endpoint_rules(struct broker_call *call)
{
    call->quiet = true;
    broker_call_prove(call, on_proven);
}
