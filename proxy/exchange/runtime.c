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
#define HTTPS_PORT   443

static bool make_github(struct runtime *runtime, struct runtime_github *github, const struct config_github *config,
                        struct error *ret_error)
{
    struct pool_options pool = {
        .loop = runtime->egress.dialer.loop,
        .dialer = &runtime->egress.dialer,
        .metrics = runtime->metrics,
        .idle_ms = POOL_IDLE_MS,
    };

    github->config = config;
    github->tls = tls_client_new(config->trust, ret_error);
    if (!github->tls)
        return error_prefix(ret_error, "github.trust");
    pool.tls = github->tls;
    github->pool = pool_new(&pool);
    pool_keep_warm(github->pool, config->host.web, HTTPS_PORT);
    return true;
}

static bool make_tokens(struct runtime *runtime, const struct runtime_options *options, struct error *ret_error)
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
        .wait_ms = config->limits.token_ms,
        .loop = options->loop,
        .dialer = &runtime->egress.dialer,
        .spawner = options->spawner,
        .metrics = options->metrics,
        .on_mint = options->on_mint,
        .on_mint_arg = options->on_mint_arg,
        .quiet = options->quiet,
    };

    for (size_t i = 0; i < config->github_count; i++)
        hosts[i] = (struct token_host){&config->githubs[i].host, runtime->githubs[i].tls};
    runtime->tokens = token_service_new(&tokens, ret_error);
    mem_free(hosts);
    return runtime->tokens != NULL;
}

static void on_granted(void *arg, const struct rules *rules, const char *web)
{
    struct runtime *runtime = arg;

    for (size_t i = 0; i < runtime->github_count; i++) {
        const struct github_host *host = &runtime->githubs[i].config->host;

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
        ahead_rules(runtime->ahead, &runtime->config->rules, &runtime->githubs[0].config->host);
}

struct runtime *runtime_new(const struct runtime_options *options, struct error *ret_error)
{
    struct runtime *runtime = mem_alloc_zero(1, sizeof(*runtime));
    struct config *config = config_ref(options->config);

    runtime->references = 1;
    runtime->config = config;
    runtime->metrics = options->metrics;
    runtime->githubs = mem_alloc_zero(config->github_count, sizeof(*runtime->githubs));
    runtime->github_count = config->github_count;
    if (!egress_init(&runtime->egress, options->loop, config, ret_error))
        goto failed;
    for (size_t i = 0; i < config->github_count; i++)
        if (!make_github(runtime, &runtime->githubs[i], &config->githubs[i], ret_error))
            goto failed;
    if (!make_tokens(runtime, options, ret_error) ||
        !granted_rules_new(options->loop, &runtime->egress.dialer, options->spawner, config, &runtime->granted,
                           ret_error))
        goto failed;
    if (config->keep_capabilities_ms > 0)
        runtime->capabilities = kept_capabilities_new(options->loop, config->keep_capabilities_ms);
    if (config->token_ahead)
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
    for (size_t i = 0; i < runtime->github_count; i++) {
        if (runtime->githubs[i].pool)
            pool_free(runtime->githubs[i].pool);
        tls_client_unref(runtime->githubs[i].tls);
    }
    kept_capabilities_free(runtime->capabilities);
    ahead_free(runtime->ahead);
    token_service_unref(runtime->tokens);
    granted_rules_free(runtime->granted);
    egress_clear(&runtime->egress);
    mem_free(runtime->githubs);
    config_unref(runtime->config);
    mem_free(runtime);
}

bool runtime_is_settled(const struct runtime *runtime)
{
    return !runtime->ahead || ahead_is_settled(runtime->ahead);
}

const struct runtime_github *runtime_find_github(const struct runtime *runtime, const struct host_name *host,
                                                 enum github_endpoint *ret_endpoint)
{
    for (size_t i = 0; i < runtime->github_count; i++)
        if (github_host_endpoint(&runtime->githubs[i].config->host, host_name_bytes(host), ret_endpoint))
            return &runtime->githubs[i];
    return NULL;
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
    const char **names = mem_alloc(config->github_count * 3 * sizeof(*names));

    *ret_count = 0;
    for (size_t i = 0; i < config->github_count; i++) {
        const struct github_host *host = &config->githubs[i].host;

        add_name(names, ret_count, host->web);
        add_name(names, ret_count, host->api);
        add_name(names, ret_count, host->uploads);
    }
    return names;
}
