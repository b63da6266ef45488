#include "egress.h"

#include <openssl/evp.h>

#include "config.h"
#include "mem.h"
#include "resolve.h"
#include "secret.h"
#include "secret_file.h"
#include "tls_client.h"
#include "web_url.h"

// All hosts' `connect_to` in one list.
static void gather_overrides(struct egress *egress, const struct config *config)
{
    size_t count = 0;

    for (size_t i = 0; i < config_served_count(config); i++)
        count += config_served(config, i).connect_to_count;
    egress->overrides = mem_alloc_zero(count + 1, sizeof(*egress->overrides));
    count = 0;
    for (size_t i = 0; i < config_served_count(config); i++) {
        struct config_served served = config_served(config, i);

        for (size_t j = 0; j < served.connect_to_count; j++) {
            const struct config_connect_to *entry = &served.connect_to[j];

            egress->overrides[count++] =
                (struct dial_override){entry->from_host, entry->from_port, entry->to_host, entry->to_port};
        }
    }
    egress->dialer.overrides = egress->overrides;
    egress->dialer.override_count = count;
}

// RFC 7617: "Basic " and the base64 form of "user:password".
static struct secret *basic_authorization(const char *user, struct bytes password)
{
    static const char scheme[] = "Basic ";
    size_t plain_size = strlen(user) + 1 + password.size, prefix = sizeof(scheme) - 1;
    size_t size = prefix + (plain_size + 2) / 3 * 4;
    char *plain = mem_alloc(plain_size + 1), *text, *encoded = mem_alloc(size + 1);
    struct secret *authorization = secret_new_sized(size, &text);

    snprintf(plain, plain_size + 1, "%s:%.*s", user, (int)password.size, password.data);
    memcpy(encoded, scheme, prefix);
    EVP_EncodeBlock((unsigned char *)encoded + prefix, (const unsigned char *)plain, (int)plain_size);
    memcpy(text, encoded, size);
    mem_wiping_free(plain);
    mem_wiping_free(encoded);
    return authorization;
}

// The password is the environment's (`gitlatch run`), or the file's.
static bool set_authorization(struct egress *egress, const struct config *config, const char *user,
                              struct error *ret_error)
{
    struct secret_file file;
    struct error problem;
    bool changed, ok = true;

    secret_file_init(&file, config->upstream_password_file ? config->upstream_password_file : "");
    if (config->upstream_password)
        egress->authorization = basic_authorization(user, secret_bytes(config->upstream_password));
    else if (!config->upstream_password_file)
        egress->authorization = basic_authorization(user, BYTES(""));
    else if (secret_file_refresh(&file, &changed, &problem))
        egress->authorization = basic_authorization(user, secret_bytes(file.secret));
    else
        ok = error_set(ret_error, "upstream.password_file: %s", problem.text);
    secret_file_clear(&file);
    egress->dialer.proxy_authorization = egress->authorization;
    return ok;
}

static bool set_proxy(struct egress *egress, const struct config *config, struct error *ret_error)
{
    struct web_url_proxy proxy;
    struct error problem;
    bool ok = true;

    if (!config->upstream_proxy)
        return true;
    if (!web_url_proxy_parse(config->upstream_proxy, &proxy, &problem))
        return error_set(ret_error, "upstream.proxy: %s", problem.text);
    egress->proxy_host = mem_string(proxy.host);
    egress->dialer.proxy_host = egress->proxy_host;
    egress->dialer.proxy_port = proxy.port;
    egress->dialer.no_proxy = (const char *const *)config->upstream_no_proxy.items;
    egress->dialer.no_proxy_count = config->upstream_no_proxy.count;
    if (proxy.tls) {
        egress->proxy_tls = tls_client_new(config->upstream_trust, &problem);
        egress->dialer.proxy_tls = egress->proxy_tls;
        ok = egress->proxy_tls || error_set(ret_error, "upstream.trust: %s", problem.text);
    }
    if (ok && proxy.user)
        ok = set_authorization(egress, config, proxy.user, ret_error);
    web_url_proxy_clear(&proxy);
    return ok;
}

// In hosts mode the hosts file leads GitHub's names to ourselves: DNS alone is asked there.
static enum resolve_lookups lookups_of(const struct config *config)
{
    for (size_t i = 0; i < config->listener_count; i++)
        if (config->listeners[i].mode == LISTENER_TRANSPARENT)
            return RESOLVE_DNS;
    return RESOLVE_FILES_AND_DNS;
}

bool egress_init(struct egress *egress, struct loop *loop, const struct config *config, struct error *ret_error)
{
    *egress = (struct egress){.resolver = resolver_new(loop, lookups_of(config), NULL, ret_error)};
    if (!egress->resolver)
        return false;
    egress->dialer =
        (struct dialer){.loop = loop, .resolver = egress->resolver, .timeout_ms = config->limits.connect_ms};
    gather_overrides(egress, config);
    if (set_proxy(egress, config, ret_error))
        return true;
    egress_clear(egress);
    return false;
}

void egress_clear(struct egress *egress)
{
    resolver_free(egress->resolver);
    mem_free(egress->overrides);
    mem_free(egress->proxy_host);
    tls_client_unref(egress->proxy_tls);
    secret_unref(egress->authorization);
    *egress = (struct egress){0};
}
