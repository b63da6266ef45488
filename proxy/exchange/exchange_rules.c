// By which rules an exchange is decided: the configuration's, or with a broker those that it grants.
#include "exchange_state.h"

#include "config.h"
#include "mem.h"

static void use(struct exchange *exchange, struct ruling *ruling)
{
    exchange->ruling = ruling_ref(ruling);
    exchange->rules = &ruling->rules;
}

static void set_beyond(struct exchange *exchange, const struct verdict *verdict)
{
    exchange->beyond = mem_alloc(sizeof(*exchange->beyond));
    *exchange->beyond = *verdict;
}

static void on_ruling(void *arg, struct ruling *ruling, const struct verdict *verdict)
{
    struct exchange *exchange = arg;

    exchange->granted_request = NULL;
    if (ruling) {
        use(exchange, ruling);
    } else if (exchange->rules->present) {
        set_beyond(exchange, verdict);
    } else {
        exchange_refuse(exchange, verdict);
        return;
    }
    exchange_decide(exchange);
}

bool exchange_find_rules(struct exchange *exchange)
{
    struct granted_rules *granted = exchange->runtime->granted;
    struct ruling *ruling;

    exchange->rules = &exchange->runtime->config->rules;
    if (!granted_rules_find(granted, exchange->operation.host, &ruling))
        return true;
    if (ruling) {
        use(exchange, ruling);
        return true;
    }
    exchange->request_state = REQUEST_WAIT;
    exchange->granted_request = granted_rules_wait(granted, exchange->operation.host, on_ruling, exchange);
    return false;
}

// Whether there is a source that knows nothing of grants.
static bool has_other_source(const struct exchange *exchange)
{
    const struct config *config = exchange->runtime->config;

    for (size_t i = 0; i < config->credential_count; i++) {
        const struct credential_options *options = &config->credentials[i];

        if (!credential_gives_rules(options->type) &&
            (!options->host || strcasecmp(options->host, exchange->operation.host->web) == 0))
            return true;
    }
    return false;
}

bool exchange_leave_grant(struct exchange *exchange, const struct verdict *verdict)
{
    struct verdict unnamed;

    if (!exchange->ruling || exchange->rules != &exchange->ruling->rules || !exchange->ruling->within ||
        !has_other_source(exchange))
        return false;
    if (verdict->reason == REASON_NONE)
        verdict_set(&unnamed, REASON_BROKER_DENIED, NULL);
    set_beyond(exchange, verdict->reason == REASON_NONE ? &unnamed : verdict);
    exchange->rules = &exchange->runtime->config->rules;
    policy_decide(exchange->rules, &exchange->operation, &exchange->decision);
    return true;
}

bool exchange_is_beyond_grant(struct exchange *exchange)
{
    return exchange->beyond && exchange->token && source_id_gives_rules(exchange->token->source) &&
           exchange_enforce(exchange, exchange->beyond);
}
