#include <gitlatch/token_service.h>

#include <string.h>

#include <gitlatch/git_host.h>

#include "http_client.h"
#include "mem.h"
#include "token_service_parts.h"

static const struct token_host *host_of(const struct token_service_options *options, const char *name)
{
    if (!name)
        return &options->hosts[0];
    for (size_t i = 0; i < options->host_count; i++) {
        if (strcmp(options->hosts[i].host->web, name) == 0)
            return &options->hosts[i];
    }
    return NULL;
}

static bool make_source(struct token_service *service, const struct token_service_options *options, size_t index,
                        struct error *ret_error)
{
    const struct credential_options *credential = &options->credentials[index];
    const struct token_host *host = host_of(options, credential->host);
    unsigned same_type = 0;

    if (!host)
        return error_set(ret_error, "credential %zu: no `github` has the host %s", index + 1, credential->host);
    for (size_t i = 0; i < index; i++)
        same_type += options->credentials[i].type == credential->type;
    struct source base = {
        .id.number = same_type,
        .host = host->host,
        .tls = host->tls,
        .wide_api = credential->wide_api,
        .also_when_refused = credential->also_when_refused,
        .loop = options->loop,
        .transport = service->transport,
        .spawner = options->spawner,
        .metrics = options->metrics,
        .quiet = options->quiet,
    };
    struct source *source = source_new(&base, credential, ret_error);
    if (!source)
        return false;
    service->sources[service->source_count++] = source;
    return true;
}

static void *start_minting(void *context, struct source *source, const struct mint_scope *scope, source_done_fn *done,
                           void *arg)
{
    return minting_start(context, source, scope, done, arg);
}

static void cancel_minting(void *context, void *minting)
{
    minting_cancel(minting);
}

static void make_parts(struct token_service *service, const struct token_service_options *options)
{
    struct cache_options cache = {
        .loop = options->loop,
        .metrics = options->metrics,
        .refresh_before_ms = options->refresh_before_ms,
        .minimum_life_ms = options->minimum_life_ms,
        .minter = {.start = start_minting, .cancel = cancel_minting, .context = &service->mintings},
    };

    service->cache = cache_new(&cache);
    service->map = repository_map_new(options->loop);
    service->lists = repository_lists_new(options->loop, service->cache, service->map);
    service->gate = mint_gate_new(options->loop, options->replicas ? options->replicas : 1);
    service->mintings = (struct minting_context){
        .cache = service->cache,
        .gate = service->gate,
        .map = service->map,
        .lists = service->lists,
        .metrics = options->metrics,
        .on_mint = options->on_mint,
        .on_mint_arg = options->on_mint_arg,
    };
    service->walks = (struct token_walk_context){
        .loop = options->loop,
        .sources = service->sources,
        .source_count = service->source_count,
        .cache = service->cache,
        .lists = service->lists,
    };
}

struct token_service *token_service_new(const struct token_service_options *options, struct error *ret_error)
{
    struct token_service *service = mem_alloc_zero(1, sizeof(*service));

    service->references = 1;
    service->loop = options->loop;
    service->wait_ms = options->wait_ms;
    service->transport = options->transport;
    service->sources = mem_alloc(options->credential_count * sizeof(struct source *));
    if (!service->transport) {
        service->client = http_client_new(options->dialer, ret_error);
        if (!service->client)
            goto fail;
        service->transport = http_client_transport(service->client);
    }
    for (size_t i = 0; i < options->credential_count; i++) {
        if (!make_source(service, options, i, ret_error))
            goto fail;
    }
    make_parts(service, options);
    return service;
fail:
    token_service_unref(service);
    return NULL;
}

struct token_service *token_service_ref(struct token_service *service)
{
    service->references++;
    return service;
}

void token_service_unref(struct token_service *service)
{
    if (!service || --service->references)
        return;
    if (service->cache) {
        // A mint may wait for a list, and a list for a token of the cache: what asks goes before what answers.
        cache_stop(service->cache);
        repository_lists_free(service->lists);
        cache_free(service->cache);
        mint_gate_free(service->gate);
        repository_map_free(service->map);
    }
    for (size_t i = 0; i < service->source_count; i++)
        source_free(service->sources[i]);
    mem_free(service->sources);
    http_client_free(service->client);
    mem_free(service);
}

// A source of the new service with the same identity and the same secret.
static struct source *same_source(void *arg, const struct source *old)
{
    struct token_service *service = arg;
    struct source_failure ignored;

    for (size_t i = 0; i < service->source_count; i++) {
        struct source *source = service->sources[i];
        if (strcmp(source->identity, old->identity) == 0 && strcmp(source->host->web, old->host->web) == 0 &&
            source->id.kind->ready(source, &ignored) && strcmp(source->version, old->version) == 0)
            return source;
    }
    return NULL;
}

void token_service_adopt(struct token_service *new, struct token_service *old)
{
    cache_adopt(new->cache, old->cache, same_source, new);
    mint_gate_adopt(new->gate, old->gate);
    repository_map_adopt(new->map, old->map);
    for (size_t i = 0; i < old->source_count; i++) {
        struct source *source = same_source(new, old->sources[i]);
        if (source && source->id.kind->adopt)
            source->id.kind->adopt(source, old->sources[i]);
    }
}

bool token_service_usable(const struct token_service *service)
{
    struct source_failure ignored;

    for (size_t i = 0; i < service->source_count; i++) {
        if (service->sources[i]->id.kind->ready(service->sources[i], &ignored))
            return true;
    }
    return false;
}
