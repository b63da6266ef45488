#include "broker_runtime.h"

#include <stdlib.h>
#include <string.h>

#include "admission.h"
#include "audit.h"
#include "callers.h"
#include "http_client.h"
#include "issuer.h"
#include "loop.h"
#include "mem.h"
#include "reviews.h"
#include "serving_certificate.h"
#include "tls_client.h"
#include "token_options.h"

#define CLUSTER_API "https://kubernetes.default.svc"

// A sidecar gives up its question after 25 seconds: it shall hear why before that.
#define WAIT_MAX_MS (20 * SECOND_MS)

static void on_mint(void *arg, const struct token_mint_event *event)
{
    struct loop *loop = arg;

    audit_mint(event, clock_wall(loop_clock(loop)));
}

static bool make_tokens(struct broker_runtime *runtime, const struct broker_runtime_options *options,
                        struct error *ret_error)
{
    const struct config *config = runtime->config;
    struct token_host *hosts = mem_alloc_zero(config->github_count, sizeof(*hosts));
    struct token_service_options tokens = {
        .credentials = config->credentials,
        .credential_count = config->credential_count,
        .hosts = hosts,
        .host_count = config->github_count,
        .refresh_before_ms = config->token_refresh_before_ms,
        .minimum_life_ms = config->token_minimum_life_ms,
        .wait_ms = config->limits.token_ms < WAIT_MAX_MS ? config->limits.token_ms : WAIT_MAX_MS,
        .replicas = config->broker.replicas,
        .loop = options->loop,
        .dialer = &runtime->egress.dialer,
        .spawner = options->spawner,
        .metrics = options->metrics,
        .on_mint = on_mint,
        .on_mint_arg = options->loop,
    };
    bool ok = true;

    for (size_t i = 0; ok && i < config->github_count; i++) {
        runtime->githubs[i] = tls_client_new(config->githubs[i].trust, ret_error);
        hosts[i] = (struct token_host){&config->githubs[i].host.git, runtime->githubs[i]};
        ok = runtime->githubs[i] || error_prefix(ret_error, "github.trust");
    }
    if (ok)
        runtime->tokens = token_service_new(&tokens, ret_error);
    mem_free(hosts);
    return runtime->tokens != NULL;
}

// Where a pod finds the cluster's API; given to mem_free.
static char *cluster_api(const struct config_broker *config)
{
    const char *host = getenv("KUBERNETES_SERVICE_HOST"), *port = getenv("KUBERNETES_SERVICE_PORT");

    if (config->kubernetes_api)
        return mem_string(config->kubernetes_api);
    if (!host || !port)
        return mem_string(CLUSTER_API);
    return mem_format(strchr(host, ':') ? "https://[%s]:%s" : "https://%s:%s", host, port);
}

// Without a path it is the cluster's own file that could not be read.
static bool refuse_roots(const struct config_broker *config, struct error *ret_error)
{
    struct error cause = *ret_error;

    if (config->kubernetes_ca)
        return error_prefix(ret_error, "broker.kubernetes.ca");
    return error_set(ret_error,
                     "broker.kubernetes: this is no pod of a cluster (%s): outside of one, name `api`, `ca` and "
                     "`token_file` there",
                     cause.text);
}

bool broker_runtime_asks_cluster(const struct config_broker *config)
{
    for (size_t i = 0; i < config->grant_count; i++) {
        if (config->grants[i].namespace)
            return true;
    }
    return false;
}

static bool make_reviews(struct broker_runtime *runtime, struct loop *loop, struct error *ret_error)
{
    const struct config_broker *config = &runtime->config->broker;
    // A token for both is one whose owner may hold what he is given: the narrower counts.
    const char *const audiences[] = {CONFIG_AUDIENCE_CREDENTIAL, config->audience};
    struct reviews_options options = {
        .loop = loop,
        .token_file = config->kubernetes_token_file ? config->kubernetes_token_file : BROKER_CLUSTER_TOKEN,
        .audiences = audiences,
        .audience_count = GL_ARRAY_SIZE(audiences),
    };

    if (!broker_runtime_asks_cluster(config))
        return true;
    runtime->direct = runtime->egress.dialer;
    runtime->direct.proxy_host = NULL;
    runtime->cluster = tls_client_new(config->kubernetes_ca ? config->kubernetes_ca : BROKER_CLUSTER_CA, ret_error);
    if (!runtime->cluster)
        return refuse_roots(config, ret_error);
    runtime->cluster_client = http_client_new(&runtime->direct, ret_error);
    if (!runtime->cluster_client)
        return false;
    char *api = cluster_api(config);
    options.api = api;
    options.tls = runtime->cluster;
    options.transport = http_client_transport(runtime->cluster_client);
    runtime->reviews = reviews_new(&options);
    mem_free(api);
    return true;
}

static bool make_issuers(struct broker_runtime *runtime, struct loop *loop, struct error *ret_error)
{
    const struct config_broker *config = &runtime->config->broker;

    runtime->issuers = mem_alloc_zero(config->issuer_count, sizeof(struct issuer *));
    if (config->issuer_count == 0)
        return true;
    runtime->issuer_client = http_client_new(&runtime->egress.dialer, ret_error);
    for (size_t i = 0; runtime->issuer_client && i < config->issuer_count; i++) {
        runtime->issuers[i] =
            issuer_new(loop, http_client_transport(runtime->issuer_client), &config->issuers[i], ret_error);
        if (!runtime->issuers[i])
            return false;
    }
    return runtime->issuer_client;
}

static bool make_callers(struct broker_runtime *runtime, struct loop *loop, struct error *ret_error)
{
    if (!make_reviews(runtime, loop, ret_error) || !make_issuers(runtime, loop, ret_error))
        return false;
    const struct callers_options options = {
        .loop = loop,
        .reviews = runtime->reviews,
        .issuers = runtime->issuers,
        .issuer_count = runtime->config->broker.issuer_count,
    };
    if (runtime->config->broker.grant_count > 0)
        runtime->callers = callers_new(&options);
    return true;
}

static bool read_admin_token(struct broker_runtime *runtime, struct error *ret_error)
{
    bool changed;

    if (!runtime->config->broker.admin_token)
        return true;
    secret_file_init(&runtime->admin_token, runtime->config->broker.admin_token);
    return secret_file_refresh(&runtime->admin_token, &changed, ret_error) ||
           error_prefix(ret_error, "broker.admin_token");
}

static bool read_admission(struct broker_runtime *runtime, struct error *ret_error)
{
    const char *path = runtime->config->broker.admission_sidecar;

    if (path)
        runtime->admission = admission_load(path, ret_error);
    return !path || runtime->admission || error_prefix(ret_error, "broker.admission.sidecar");
}

static void on_unused(void *arg);

struct broker_runtime *broker_runtime_new(const struct broker_runtime_options *options, struct error *ret_error)
{
    struct broker_runtime *runtime = mem_alloc_zero(1, sizeof(*runtime));
    struct config *config = config_ref(options->config);

    runtime->references = 1;
    runtime->loop = options->loop;
    deferred_init(&runtime->unused, on_unused, runtime);
    runtime->config = config;
    runtime->githubs = mem_alloc_zero(config->github_count, sizeof(struct tls_client *));
    runtime->certificate = serving_certificate_new(options->loop, config->broker.certificate, config->broker.key,
                                                   config->broker.clients_ca, ret_error);
    if (runtime->certificate && egress_init(&runtime->egress, options->loop, config, ret_error) &&
        read_admin_token(runtime, ret_error) && read_admission(runtime, ret_error) &&
        make_callers(runtime, options->loop, ret_error) && make_tokens(runtime, options, ret_error))
        return runtime;
    broker_runtime_unref(runtime);
    return NULL;
}

struct broker_runtime *broker_runtime_ref(struct broker_runtime *runtime)
{
    runtime->references++;
    return runtime;
}

static void on_unused(void *arg)
{
    struct broker_runtime *runtime = arg;

    token_service_unref(runtime->tokens);
    callers_free(runtime->callers);
    for (size_t i = 0; runtime->issuers && i < runtime->config->broker.issuer_count; i++)
        issuer_free(runtime->issuers[i]);
    mem_free(runtime->issuers);
    reviews_free(runtime->reviews);
    http_client_free(runtime->issuer_client);
    http_client_free(runtime->cluster_client);
    tls_client_unref(runtime->cluster);
    for (size_t i = 0; i < runtime->config->github_count; i++)
        tls_client_unref(runtime->githubs[i]);
    mem_free(runtime->githubs);
    secret_file_clear(&runtime->admin_token);
    admission_free(runtime->admission);
    egress_clear(&runtime->egress);
    serving_certificate_free(runtime->certificate);
    config_unref(runtime->config);
    mem_free(runtime);
}

void broker_runtime_unref(struct broker_runtime *runtime)
{
    if (runtime && --runtime->references == 0)
        loop_defer(runtime->loop, &runtime->unused);
}
