// The two things that a daemon serves: the sidecar (`gitlatch proxy`, `gitlatch run`) and the broker.
#include "broker.h"
#include "daemon.h"
#include "server.h"

// struct daemon_type holds functions of `void *`: each of these gives the instance its type back.
#define DAEMON_FUNCTIONS(stem)                                                                                         \
    static void *stem##_instance_new(const struct daemon_context *context, struct error *ret_error)                    \
    {                                                                                                                  \
        const struct stem##_options options = stem##_options_of(context);                                              \
                                                                                                                       \
        return stem##_new(&options, ret_error);                                                                        \
    }                                                                                                                  \
    static void stem##_instance_free(void *instance)                                                                   \
    {                                                                                                                  \
        stem##_free(instance);                                                                                         \
    }                                                                                                                  \
    static bool stem##_instance_reload(void *instance, struct config *config, struct error *ret_error)                 \
    {                                                                                                                  \
        return stem##_reload(instance, config, ret_error);                                                             \
    }                                                                                                                  \
    static void stem##_instance_drain(void *instance, void (*done)(void *arg), void *arg)                              \
    {                                                                                                                  \
        stem##_drain(instance, done, arg);                                                                             \
    }                                                                                                                  \
    static bool stem##_instance_ready(const void *instance)                                                            \
    {                                                                                                                  \
        return stem##_ready(instance);                                                                                 \
    }                                                                                                                  \
    static void stem##_instance_status(const void *instance, struct text *text)                                        \
    {                                                                                                                  \
        stem##_status(instance, text);                                                                                 \
    }

#define DAEMON_TYPE(stem, ...)                                                                                         \
    {                                                                                                                  \
        __VA_ARGS__, .new = stem##_instance_new, .free = stem##_instance_free, .reload = stem##_instance_reload,       \
                     .drain = stem##_instance_drain, .ready = stem##_instance_ready, .status = stem##_instance_status  \
    }

static struct server_options server_options_of(const struct daemon_context *context)
{
    return (struct server_options){
        .loop = context->loop,
        .metrics = context->metrics,
        .spawner = context->spawner,
        .config = context->config,
        .password = context->password,
    };
}

static struct broker_options broker_options_of(const struct daemon_context *context)
{
    return (struct broker_options){
        .loop = context->loop,
        .metrics = context->metrics,
        .spawner = context->spawner,
        .config = context->config,
    };
}

DAEMON_FUNCTIONS(server)
DAEMON_FUNCTIONS(broker)

static bool server_instance_settled(const void *instance)
{
    return server_settled(instance);
}

const struct daemon_type daemon_type_proxy =
    DAEMON_TYPE(server, .name = "proxy", .use = CONFIG_FOR_PROXY, .settled = server_instance_settled);
const struct daemon_type daemon_type_broker = DAEMON_TYPE(broker, .name = "broker", .use = CONFIG_FOR_BROKER);
