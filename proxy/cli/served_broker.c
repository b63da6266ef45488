#include "broker.h"
#include "serving.h"

static void *served_new(const struct serving_context *context, struct error *ret_error)
{
    const struct broker_options options = {
        .loop = context->loop,
        .metrics = context->metrics,
        .spawner = context->spawner,
        .config = context->config,
    };

    return broker_new(&options, ret_error);
}

static void served_free(void *served)
{
    broker_free(served);
}

static bool served_reload(void *served, struct config *config, struct error *ret_error)
{
    return broker_reload(served, config, ret_error);
}

static void served_drain(void *served, void (*done)(void *arg), void *arg)
{
    broker_drain(served, done, arg);
}

static bool served_ready(const void *served)
{
    return broker_ready(served);
}

static void served_status(const void *served, struct text *text)
{
    broker_status(served, text);
}

const struct served_type served_broker = {
    .name = "broker",
    .use = CONFIG_FOR_BROKER,
    .new = served_new,
    .free = served_free,
    .reload = served_reload,
    .drain = served_drain,
    .ready = served_ready,
    .status = served_status,
};
