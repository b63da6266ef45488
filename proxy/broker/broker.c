#include "broker.h"

#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>

#include "admin.h"
#include "admission.h"
#include "broker_call.h"
#include "broker_runtime.h"
#include "endpoint.h"
#include "log.h"
#include "loop.h"
#include "mem.h"
#include "metrics.h"
#include "rate_limiter.h"
#include "service.h"
#include "serving_certificate.h"
#include "text.h"
#include "token_options.h"

// A sidecar asks for each of its scopes once an hour, for one that was refused at first after 5 s and later every minute,
// and for its rules every minute: a start with 60 scopes at once is let through, and so is one call a second after it.
#define CALLER_BURST       60
#define CALLER_INTERVAL_MS (1 * SECOND_MS)
#define CALLERS_MAX        16384
// An idle connection is worth one handshake a minute to its owner, and a place among `limits.connections` to all.
#define TIMEOUT_MS (10 * SECOND_MS)
// Pods have addresses of their own. However busy one keeps its connections, half of all are for others; `limits.per_client` may
// be less.
#define CLIENT_SHARE 2
// The API servers of a cluster keep a few; each may hold a review of 2 MiB.
#define ADMISSION_CONNECTIONS 16
// Who drains looks so often whether all is sent.
#define DRAIN_LOOK_MS 20

struct broker {
    struct broker_context context;
    struct spawner *spawner;
    struct broker_runtime *runtime;
    struct service *service, *admin, *admission; // the last two may be NULL: there is none
    char address[ADDRESS_TEXT_SIZE];
    struct wall started;

    bool draining;
    struct timer drain;
    struct mono drain_until;
    broker_drained_fn *on_drained;
    void *on_drained_arg;
};

// The calls.

static bool is_call(const struct service_call *http, enum head_method method, struct bytes path)
{
    return service_call_method(http) == method && bytes_equal(service_call_target(http)->path, path);
}

static void answer_unknown(struct service_call *http, const char *paths)
{
    struct text text = {0};

    text_format(&text, "{\"error\":\"not_found\",\"message\":\"%s\"}\n", paths);
    struct answer answer = {.status = 404, .content_type = BYTES("application/json"), .body = text_bytes(&text)};
    service_answer(http, &answer, false);
    text_free(&text);
}

// RFC 9110, 5.3: the field is no list. Whoever puts a second one behind a first would choose which of them counts.
static bool refuse_two_credentials(struct service_call *http)
{
    struct answer answer = {.status = 400,
                            .content_type = BYTES("application/json"),
                            .body =
                                BYTES("{\"error\":\"question\",\"message\":\"there are two Authorization fields\"}\n")};

    if (service_call_field_count(http, FIELD_AUTHORIZATION) <= 1)
        return false;
    service_answer(http, &answer, false);
    return true;
}

static void on_call(void *arg, struct service_call *http)
{
    struct broker *broker = arg;

    if (refuse_two_credentials(http))
        return;
    if (is_call(http, METHOD_POST, BYTES("/v1/token")))
        endpoint_token(broker_call_new(&broker->context, broker->runtime, http));
    else if (is_call(http, METHOD_POST, BYTES("/v1/repositories")))
        endpoint_repositories(broker_call_new(&broker->context, broker->runtime, http));
    else if (is_call(http, METHOD_GET, BYTES("/v1/rules")))
        endpoint_rules(broker_call_new(&broker->context, broker->runtime, http));
    else if (!admin_answer_probe(http, broker->context.metrics, broker_ready(broker)))
        answer_unknown(http, "there are POST /v1/token and /v1/repositories, and GET /v1/rules, /healthz, /readyz and "
                             "/metrics");
}

static void on_admin_call(void *arg, struct service_call *http)
{
    struct broker *broker = arg;

    if (refuse_two_credentials(http))
        return;
    if (is_call(http, METHOD_GET, BYTES("/admin/github-installation-token")))
        endpoint_platform(broker_call_new(&broker->context, broker->runtime, http));
    else
        answer_unknown(http, "there is GET /admin/github-installation-token");
}

static bool is_json(struct bytes content_type)
{
    struct bytes type, parameters;

    bytes_cut(content_type, ';', &type, &parameters);
    return bytes_equal_nocase(type, BYTES("application/json"));
}

static void on_admission_call(void *arg, struct service_call *http)
{
    struct broker *broker = arg;
    struct answer answer = {.status = 200, .content_type = BYTES("application/json")};
    struct text text = {0};
    struct error error;

    if (!is_call(http, METHOD_POST, BYTES("/admission"))) {
        answer_unknown(http, "there is POST /admission");
        return;
    }
    if (!is_json(service_call_field(http, FIELD_CONTENT_TYPE)))
        answer.status = 415, error_set(&error, "Content-Type must be application/json");
    else if (!admission_review(broker->runtime->admission, service_call_body(http), &text, &error))
        answer.status = 400;
    if (answer.status != 200) {
        text_format(&text, "%s\n", error.text);
        answer.content_type = BYTES("text/plain");
    }
    answer.body = text_bytes(&text);
    service_answer(http, &answer, false);
    text_free(&text);
}

// The start.

static SSL_CTX *on_tls(void *arg)
{
    return serving_certificate_context(((struct broker *)arg)->runtime->certificate);
}

static SSL_CTX *on_clients_tls(void *arg)
{
    return serving_certificate_clients_context(((struct broker *)arg)->runtime->certificate);
}

static size_t share_of_client(const struct config_limits *limits)
{
    size_t share = limits->connections / CLIENT_SHARE;

    return limits->per_client < share ? limits->per_client : share;
}

static bool listen_on(struct broker *broker, const char *key, const struct config_address *address, size_t connections,
                      size_t body, service_handler_fn *handler, struct service **ret_service, struct error *ret_error)
{
    const struct service_options options = {
        .loop = broker->context.loop,
        .address = address->address,
        .tls = handler == on_call ? on_clients_tls : on_tls,
        .tls_arg = broker,
        .connections = connections,
        .per_client = handler == on_admission_call ? 0 : share_of_client(&broker->runtime->config->limits),
        .body = body,
        .timeout_ms = TIMEOUT_MS,
        .handler = handler,
        .arg = broker,
    };

    if (!address->off)
        *ret_service = service_new(&options, ret_error);
    return address->off || *ret_service || error_prefix(ret_error, "broker.%s", key);
}

static struct broker_runtime *make_runtime(struct broker *broker, struct config *config, struct error *ret_error)
{
    const struct broker_runtime_options options = {broker->context.loop, broker->context.metrics, broker->spawner,
                                                   config};

    return broker_runtime_new(&options, ret_error);
}

// What it counts.

static size_t open_connections(const struct broker *broker)
{
    const struct service *services[] = {broker->service, broker->admin, broker->admission};
    size_t count = 0;

    for (size_t i = 0; i < GL_ARRAY_SIZE(services); i++)
        count += services[i] ? service_connections(services[i]) : 0;
    return count;
}

static void collect(struct metrics *metrics, void *arg)
{
    const struct broker *broker = arg;

    metrics_set(metrics, METRIC_CERTIFICATE_EXPIRATION, METRIC_LABELS("broker"),
                (double)serving_certificate_end(broker->runtime->certificate).ms / SECOND_MS);
    metrics_set(metrics, METRIC_LOOP_LAG, METRIC_NO_LABELS, (double)loop_lag_ms(broker->context.loop) / SECOND_MS);
    metrics_set(metrics, METRIC_AUDIT_DROPPED, METRIC_NO_LABELS, (double)log_audit_dropped());
    metrics_set(metrics, METRIC_CONNECTIONS, METRIC_LABELS("client"), (double)open_connections(broker));
}

static void on_drain(void *arg);

struct broker *broker_new(const struct broker_options *options, struct error *ret_error)
{
    static const struct pace_rate rate = {.interval_ms = CALLER_INTERVAL_MS, .burst = CALLER_BURST};
    struct broker *broker = mem_alloc_zero(1, sizeof(*broker));
    struct broker_context *context = &broker->context;
    const struct config_broker *config = &options->config->broker;
    size_t connections = options->config->limits.connections;

    *context = (struct broker_context){.loop = options->loop, .metrics = options->metrics};
    context->limiter = rate_limiter_new(options->loop, rate, CALLERS_MAX);
    if (RAND_bytes((unsigned char *)&context->id_prefix, sizeof(context->id_prefix)) != 1)
        abort();
    broker->spawner = options->spawner;
    broker->started = clock_wall(loop_clock(options->loop));
    timer_init(&broker->drain, options->loop, on_drain, broker);
    broker->runtime = make_runtime(broker, options->config, ret_error);
    if (!broker->runtime ||
        !listen_on(broker, "listen", &config->listen, connections, TOKEN_QUESTION_MAX, on_call, &broker->service,
                   ret_error) ||
        !listen_on(broker, "admin_listen", &config->admin_listen, connections, 0, on_admin_call, &broker->admin,
                   ret_error) ||
        !listen_on(broker, "admission.listen", &config->admission_listen, ADMISSION_CONNECTIONS, ADMISSION_REVIEW_MAX,
                   on_admission_call, &broker->admission, ret_error)) {
        broker_free(broker);
        return NULL;
    }
    address_format(service_address(broker->service), broker->address);
    metrics_collect(options->metrics, collect, broker);
    return broker;
}

void broker_free(struct broker *broker)
{
    timer_stop(&broker->drain);
    service_free(broker->admission);
    service_free(broker->admin);
    service_free(broker->service);
    broker_runtime_unref(broker->runtime);
    loop_turn(broker->context.loop); // it is freed from the loop
    rate_limiter_free(broker->context.limiter);
    mem_free(broker);
}

// The reload.

static bool same_text(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

bool broker_reload(struct broker *broker, struct config *config, struct error *ret_error)
{
    const struct config_broker *old = &broker->runtime->config->broker, *new = &config->broker;
    struct broker_runtime *runtime;

    if (!same_text(old->listen.text, new->listen.text) || !same_text(old->admin_listen.text, new->admin_listen.text) ||
        !same_text(old->admission_listen.text, new->admission_listen.text))
        return error_set(ret_error, "%s: `broker` has another address, which needs a restart", config->path);
    runtime = make_runtime(broker, config, ret_error);
    if (!runtime)
        return false;
    token_service_adopt(runtime->tokens, broker->runtime->tokens);
    broker_runtime_unref(broker->runtime);
    broker->runtime = runtime;
    return true;
}

// The end.

static void on_drain(void *arg)
{
    struct broker *broker = arg;

    if (open_connections(broker) == 0 || loop_now(broker->context.loop).ms >= broker->drain_until.ms)
        broker->on_drained(broker->on_drained_arg);
    else
        timer_start(&broker->drain, DRAIN_LOOK_MS);
}

void broker_drain(struct broker *broker, broker_drained_fn *done, void *arg)
{
    broker->draining = true;
    broker->on_drained = done;
    broker->on_drained_arg = arg;
    broker->drain_until.ms = loop_now(broker->context.loop).ms + broker->runtime->config->limits.drain_ms;
    service_stop(broker->service);
    if (broker->admin)
        service_stop(broker->admin);
    if (broker->admission)
        service_stop(broker->admission);
    timer_start(&broker->drain, 0);
}

const char *broker_listens_at(const struct broker *broker)
{
    return broker->address;
}

bool broker_ready(const struct broker *broker)
{
    return !broker->draining && token_service_usable(broker->runtime->tokens);
}

void broker_status(const struct broker *broker, struct text *text)
{
    char time[WALL_TEXT_SIZE];

    wall_format_rfc3339(broker->started, WALL_SECONDS, time);
    text_format(text, "\"version\":\"%s\",\"started\":\"%s\",\"ready\":%s,\"draining\":%s,\"connections\":%zu",
                GITLATCH_VERSION, time, broker_ready(broker) ? "true" : "false", broker->draining ? "true" : "false",
                open_connections(broker));
    wall_format_rfc3339(serving_certificate_end(broker->runtime->certificate), WALL_SECONDS, time);
    text_format(text, ",\"certificate_expires\":\"%s\",\"grants\":%zu,\"credentials\":", time,
                broker->runtime->config->broker.grant_count);
    token_service_describe(broker->runtime->tokens, text);
}
