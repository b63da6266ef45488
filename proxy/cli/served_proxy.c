#include "server.h"
#include "serving.h"

static void *proxy_new(const struct serving_context *context, struct error *ret_error)
{
    const struct server_options options = {
        .loop = context->loop,
        .metrics = context->metrics,
        .spawner = context->spawner,
        .config = context->config,
        .password = context->password,
    };

    return server_new(&options, ret_error);
}

static void proxy_free(void *served)
{
    server_free(served);
}

static bool proxy_reload(void *served, struct config *config, struct error *ret_error)
{
    return server_reload(served, config, ret_error);
}

static void proxy_drain(void *served, void (*done)(void *arg), void *arg)
{
    server_drain(served, done, arg);
}

static bool proxy_ready(const void *served)
{
    return server_ready(served);
}

static void proxy_status(const void *served, struct text *text)
{
    server_status(served, text);
}

const struct served_type served_proxy = {
    .name = "proxy",
    .use = CONFIG_FOR_PROXY,
    .new = proxy_new,
    .free = proxy_free,
    .reload = proxy_reload,
    .drain = proxy_drain,
    .ready = proxy_ready,
    .status = proxy_status,
};
