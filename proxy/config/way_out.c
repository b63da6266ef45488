#include "way_out.h"

#include "config.h"
#include "host_name.h"
#include "mem.h"
#include "resolve.h"

// All GitHubs' `connect_to` in one list.
static void gather_overrides(struct way_out *way, const struct config *config)
{
    size_t count = 0;

    for (size_t i = 0; i < config->github_count; i++)
        count += config->githubs[i].connect_to_count;
    way->overrides = mem_alloc_zero(count + 1, sizeof(*way->overrides));
    count = 0;
    for (size_t i = 0; i < config->github_count; i++) {
        for (size_t j = 0; j < config->githubs[i].connect_to_count; j++) {
            const struct config_connect_to *entry = &config->githubs[i].connect_to[j];

            way->overrides[count++] =
                (struct dial_override){entry->from_host, entry->from_port, entry->to_host, entry->to_port};
        }
    }
    way->dialer.overrides = way->overrides;
    way->dialer.override_count = count;
}

static bool set_proxy(struct way_out *way, const struct config *config, struct error *ret_error)
{
    struct bytes url = bytes_of_string(config->upstream_proxy);
    struct bytes authority, rest;
    struct host_name host;
    uint16_t port;

    if (url.size == 0)
        return true;
    if (!bytes_start_with(url, BYTES("http://")))
        return error_set(ret_error, "upstream.proxy: must begin with http://");
    bytes_cut(bytes_skip(url, sizeof("http://") - 1), '/', &authority, &rest);
    if (!host_name_parse_authority(authority, 80, &host, &port))
        return error_set(ret_error, "upstream.proxy: must be http://HOST:PORT");
    way->proxy_host = mem_string(host.text);
    way->dialer.proxy_host = way->proxy_host;
    way->dialer.proxy_port = port;
    way->dialer.no_proxy = (const char *const *)config->upstream_no_proxy.items;
    way->dialer.no_proxy_count = config->upstream_no_proxy.count;
    return true;
}

// In hosts mode the hosts file leads GitHub's names to ourselves: DNS alone is asked there.
static enum resolve_lookups lookups_of(const struct config *config)
{
    for (size_t i = 0; i < config->listener_count; i++)
        if (config->listeners[i].mode == LISTENER_TRANSPARENT)
            return RESOLVE_DNS;
    return RESOLVE_FILES_AND_DNS;
}

bool way_out_init(struct way_out *way, struct loop *loop, const struct config *config, struct error *ret_error)
{
    *way = (struct way_out){.resolver = resolver_new(loop, lookups_of(config), NULL, ret_error)};
    if (!way->resolver)
        return false;
    way->dialer = (struct dialer){.loop = loop, .resolver = way->resolver, .timeout_ms = config->limits.connect_ms};
    gather_overrides(way, config);
    if (set_proxy(way, config, ret_error))
        return true;
    way_out_clear(way);
    return false;
}

void way_out_clear(struct way_out *way)
{
    resolver_free(way->resolver);
    mem_free(way->overrides);
    mem_free(way->proxy_host);
    *way = (struct way_out){0};
}
