#include "runtime.h"

#include <string.h>

#include "ahead.h"
#include "granted_rules.h"
#include "kept_capabilities.h"
#include "loop.h"
#include "mem.h"
#include "pool.h"
#include "tls_client.h"

// GitHub closes an idle connection after about a minute; ours go first, so that no request meets a closing one.
#define POOL_IDLE_MS (50 * SECOND_MS)

static bool make_host(struct runtime *runtime, struct runtime_host *host, const struct config_served *config,
                      struct error *ret_error)
{
    struct pool_options pool = {
        .loop = runtime->egress.dialer.loop,
        .dialer = &runtime->egress.dialer,
        .metrics = runtime->metrics,
        .idle_ms = POOL_IDLE_MS,
    };
    bool github = git_host_is_github(config->host);

    host->git = config->host;
    host->rules = config->rules;
    host->tls = tls_client_new(config->trust, ret_error);
    if (!host->tls)
        return error_prefix(ret_error, github ? "github.trust" : "hosts: trust");
    pool.tls = host->tls;
    host->pool = pool_new(&pool);
    if (github)
        pool_keep_warm(host->pool, host->git->name, host->git->port);
    return true;
}

static bool make_tokens(struct runtime *runtime, const struct runtime_options *options, struct error *ret_error)
{
    const struct config *config = runtime->config;
    struct token_host *hosts = mem_alloc_zero(runtime->host_count, sizeof(*hosts));
    struct token_service_options tokens = {
        .credentials = config->credentials,
        .credential_count = config->credential_count,
        .hosts = hosts,
        .host_count = runtime->host_count,
        .refresh_before_ms = config->token_refresh_before_ms,
        .minimum_life_ms = config->token_minimum_life_ms,
        .wait_ms = config->limits.token_ms,
        .loop = options->loop,
        .dialer = &runtime->egress.dialer,
        .spawner = options->spawner,
        .metrics = options->metrics,
        .on_mint = options->on_mint,
        .on_mint_arg = options->on_mint_arg,
        .quiet = options->quiet,
    };

    for (size_t i = 0; i < runtime->host_count; i++)
        hosts[i] = (struct token_host){runtime->hosts[i].git, runtime->hosts[i].tls};
    runtime->tokens = token_service_new(&tokens, ret_error);
    mem_free(hosts);
    return runtime->tokens != NULL;
}

static void on_granted(void *arg, const struct rules *rules, const char *web)
{
    struct runtime *runtime = arg;

    for (size_t i = 0; i < runtime->config->github_count; i++) {
        const struct git_host *host = runtime->hosts[i].git;

        if (!web || strcasecmp(host->web, web) == 0) {
            ahead_rules(runtime->ahead, rules, host);
            return;
        }
    }
}

static void begin_ahead(struct runtime *runtime, struct loop *loop)
{
    runtime->ahead = ahead_new(loop, runtime->tokens);
    if (runtime->granted)
        granted_rules_watch(runtime->granted, on_granted, runtime);
    else
        ahead_rules(runtime->ahead, runtime->hosts[0].rules, runtime->hosts[0].git);
}

struct runtime *runtime_new(const struct runtime_options *options, struct error *ret_error)
{
    struct runtime *runtime = mem_alloc_zero(1, sizeof(*runtime));
    struct config *config = config_ref(options->config);

    runtime->references = 1;
    runtime->config = config;
    runtime->metrics = options->metrics;
    runtime->host_count = config_served_count(config);
    runtime->hosts = mem_alloc_zero(runtime->host_count, sizeof(*runtime->hosts));
    if (!egress_init(&runtime->egress, options->loop, config, ret_error))
        goto failed;
    for (size_t i = 0; i < runtime->host_count; i++) {
        struct config_served served = config_served(config, i);

        if (!make_host(runtime, &runtime->hosts[i], &served, ret_error))
            goto failed;
    }
    if (!make_tokens(runtime, options, ret_error) ||
        !granted_rules_new(options->loop, &runtime->egress.dialer, options->spawner, config, &runtime->granted,
                           ret_error))
        goto failed;
    if (config->keep_capabilities_ms > 0)
        runtime->capabilities = kept_capabilities_new(options->loop, config->keep_capabilities_ms);
    if (config->token_ahead && options->serves)
        begin_ahead(runtime, options->loop);
    return runtime;

failed:
    runtime_unref(runtime);
    return NULL;
}

struct runtime *runtime_ref(struct runtime *runtime)
{
    runtime->references++;
    return runtime;
}

void runtime_unref(struct runtime *runtime)
{
    if (!runtime || --runtime->references > 0)
        return;
    for (size_t i = 0; i < runtime->host_count; i++) {
        if (runtime->hosts[i].pool)
            pool_free(runtime->hosts[i].pool);
        tls_client_unref(runtime->hosts[i].tls);
    }
    kept_capabilities_free(runtime->capabilities);
    ahead_free(runtime->ahead);
    token_service_unref(runtime->tokens);
    granted_rules_free(runtime->granted);
    egress_clear(&runtime->egress);
    mem_free(runtime->hosts);
    config_unref(runtime->config);
    mem_free(runtime);
}

bool runtime_is_settled(const struct runtime *runtime)
{
    return !runtime->ahead || ahead_is_settled(runtime->ahead);
}

static bool has_name(const struct git_host *host, const struct host_name *name, enum github_endpoint *ret_endpoint)
{
    *ret_endpoint = GITHUB_ENDPOINT_WEB;
    if (git_host_is_github(host))
        return github_host_endpoint(github_host_of(host), host_name_bytes(name), ret_endpoint);
    return bytes_equal(bytes_of_string(host->name), host_name_bytes(name));
}

const struct runtime_host *runtime_find_host(const struct runtime *runtime, const struct host_name *name, uint16_t port,
                                             enum github_endpoint *ret_endpoint)
{
    for (size_t i = 0; i < runtime->host_count; i++)
        if (runtime->hosts[i].git->port == port && has_name(runtime->hosts[i].git, name, ret_endpoint))
            return &runtime->hosts[i];
    return NULL;
}

bool runtime_intercepts(const struct runtime *runtime, const struct host_name *name)
{
    enum github_endpoint endpoint;

    for (size_t i = 0; i < runtime->host_count; i++)
        if (has_name(runtime->hosts[i].git, name, &endpoint))
            return true;
    return false;
}

bool runtime_find_port(const struct runtime *runtime, const struct host_name *name, uint16_t *port)
{
    enum github_endpoint endpoint;

    if (runtime_find_host(runtime, name, *port, &endpoint))
        return true;
    for (size_t i = 0; i < runtime->host_count; i++) {
        if (!has_name(runtime->hosts[i].git, name, &endpoint))
            continue;
        *port = runtime->hosts[i].git->port;
        return true;
    }
    return false;
}

static void add_name(const char **names, size_t *count, const char *name)
{
    for (size_t i = 0; i < *count; i++)
        if (strcmp(names[i], name) == 0)
            return;
    names[(*count)++] = name;
}

const char **runtime_intercepted_names(const struct config *config, size_t *ret_count)
{
    const char **names = mem_alloc((config->github_count * 3 + config->host_count) * sizeof(*names));

    *ret_count = 0;
    for (size_t i = 0; i < config->github_count; i++) {
        const struct github_host *host = &config->githubs[i].host;

        add_name(names, ret_count, host->web);
        add_name(names, ret_count, host->api);
        add_name(names, ret_count, host->uploads);
    }
    for (size_t i = 0; i < config->host_count; i++)
        add_name(names, ret_count, config->hosts[i].host.name);
    return names;
}
