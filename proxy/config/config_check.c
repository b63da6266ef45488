#include "config_check.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "config_broker.h"
#include "config_hosts.h"
#include "web_url.h"

// Beside the two descriptors of each connection: listeners, the log, files that are read, c-ares, curl,
// spares.
#define DESCRIPTORS_BESIDE 128

// "credentials[1].host"
#define KEY_TEXT_SIZE 96

static bool same_address(const struct config_address *a, const struct config_address *b)
{
    // Port 0 is another one each time.
    return !a->off && !b->off && address_port(&a->address) != 0 &&
           address_port(&a->address) == address_port(&b->address) && address_same_host(&a->address, &b->address);
}

static bool check_addresses(const struct config *config, struct yaml_reader *reader)
{
    for (size_t i = 0; i < config->listener_count; i++) {
        const struct config_address *address = &config->listeners[i].address;

        for (size_t j = 0; j < i; j++) {
            if (same_address(address, &config->listeners[j].address))
                return yaml_reader_refuse_key(reader, "listen", "names %s twice; keep one", address->text);
        }
        if (same_address(address, &config->admin))
            return yaml_reader_refuse_key(reader, "admin", "is also an address of `listen`; take another port");
        if (same_address(address, &config->metrics))
            return yaml_reader_refuse_key(reader, "metrics", "is also an address of `listen`; take another port");
    }
    if (same_address(&config->admin, &config->metrics))
        return yaml_reader_refuse_key(reader, "metrics",
                                      "is also the address of `admin`, which serves /metrics "
                                      "already; take another port, or off");
    return true;
}

static const struct config_github *find_github(const struct config *config, const char *host)
{
    for (size_t i = 0; i < config->github_count; i++) {
        if (strcasecmp(config->githubs[i].host.web, host) == 0)
            return &config->githubs[i];
    }
    return NULL;
}

static bool check_githubs(const struct config *config, struct yaml_reader *reader)
{
    char key[KEY_TEXT_SIZE];

    for (size_t i = 0; i < config->github_count; i++) {
        if (find_github(config, config->githubs[i].host.web) == &config->githubs[i])
            continue;
        snprintf(key, sizeof(key), "github[%zu].host", i);
        return yaml_reader_refuse_key(reader, key, "names %s a second time; keep one", config->githubs[i].host.web);
    }
    return true;
}

static bool check_credential(const struct config *config, size_t index, struct yaml_reader *reader)
{
    const struct credential_options *options = &config->credentials[index];
    char key[KEY_TEXT_SIZE];

    snprintf(key, sizeof(key), "credentials[%zu]%s", index, options->host ? ".host" : "");
    if (options->host && config_served_find(config, bytes_of_string(options->host)) == config_served_count(config))
        return yaml_reader_refuse_key(reader, key, "is \"%s\", which neither `github` nor `hosts` names",
                                      options->host);
    if (options->host && !find_github(config, options->host) && credential_narrows(options->type))
        return yaml_reader_refuse_key(reader, key,
                                      "is no GitHub, for which type \"%s\" has no tokens; take file, command, "
                                      "environment or platform",
                                      credential_type_words[options->type]);
    if (!options->host && config->github_count > 1)
        return yaml_reader_refuse_key(reader, key,
                                      "has no `host`; with several under `github` each credential names "
                                      "the one it is for");
    return true;
}

static bool has_app(const struct config *config)
{
    for (size_t i = 0; i < config->credential_count; i++) {
        if (credential_is_github(config->credentials[i].type))
            return true;
    }
    return false;
}

static bool check_credentials(const struct config *config, enum config_use use, struct yaml_reader *reader)
{
    for (size_t i = 0; i < config->credential_count; i++) {
        if (!check_credential(config, i, reader))
            return false;
    }
    if (use == CONFIG_FOR_BROKER && config->credential_count > 0 && !has_app(config))
        return yaml_reader_refuse_key(reader, "credentials",
                                      "has no entry of type app, of which a broker makes its "
                                      "tokens; add one");
    if (use == CONFIG_FOR_PROXY && config->credential_count == 0)
        return yaml_reader_refuse_key(reader, "credentials",
                                      "is missing; say where tokens come from, such as "
                                      "[{type: app, app_id: \"12345\", private_key: FILE}]");
    return true;
}

static bool check_upstream(const struct config *config, struct yaml_reader *reader)
{
    struct web_url_proxy proxy = {0};
    bool parsed = config->upstream_proxy && web_url_proxy_parse(config->upstream_proxy, &proxy, NULL);
    bool has_user = parsed && proxy.user;

    web_url_proxy_clear(&proxy);
    if (config->upstream_password_file && !has_user)
        return yaml_reader_refuse_key(reader, "upstream.password_file",
                                      "has no user to go with: name it in `upstream.proxy`, such as "
                                      "http://USER@proxy.corp:3128");
    return true;
}

// How many connections the hard limit of descriptors allows.
static uint64_t most_connections(uint64_t *ret_descriptors)
{
    struct rlimit limit;

    *ret_descriptors = UINT64_MAX;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_max == RLIM_INFINITY)
        return UINT64_MAX;
    *ret_descriptors = limit.rlim_max;
    return limit.rlim_max > DESCRIPTORS_BESIDE + 2 ? (limit.rlim_max - DESCRIPTORS_BESIDE) / 2 : 1;
}

void config_fit_connections(struct config *config)
{
    uint64_t descriptors, most = most_connections(&descriptors);

    if (config->limits.connections > most)
        config->limits.connections = most;
}

static bool check_limits(const struct config *config, struct yaml_reader *reader)
{
    uint64_t descriptors, most = most_connections(&descriptors);

    if (config->token_minimum_life_ms > config->token_refresh_before_ms)
        return yaml_reader_refuse_key(reader, "token",
                                      "`minimum_life` must not be longer than `refresh_before`: a "
                                      "token would be refused before it is refreshed");
    if (config->limits.connections > most)
        return yaml_reader_refuse_key(reader, "limits.connections",
                                      "%" PRIu64 " connections need %" PRIu64 " descriptors, and the hard limit is "
                                      "%" PRIu64 "; lower it to %" PRIu64 ", or raise the limit (ulimit -Hn)",
                                      config->limits.connections, config->limits.connections * 2 + DESCRIPTORS_BESIDE,
                                      descriptors, most);
    return true;
}

static bool check_admission(const struct config_broker *broker, struct yaml_reader *reader)
{
    if (broker->admission_listen.off != !broker->admission_sidecar)
        return yaml_reader_refuse_key(reader, "broker.admission",
                                      "needs both `listen`, such as 0.0.0.0:8445, and `sidecar`, the file with what "
                                      "is put into a pod");
    if (same_address(&broker->listen, &broker->admission_listen) ||
        same_address(&broker->admin_listen, &broker->admission_listen))
        return yaml_reader_refuse_key(reader, "broker.admission.listen",
                                      "is also another address of `broker`; take another port");
    return true;
}

static bool check_broker(const struct config *config, enum config_use use, struct yaml_reader *reader)
{
    const struct config_broker *broker = &config->broker;

    if (use == CONFIG_FOR_BROKER && !broker->present)
        return yaml_reader_refuse_key(reader, "broker", "is missing, and `gitlatch broker` needs it");
    if (!broker->present)
        return true;
    if (!broker->certificate || !broker->key)
        return yaml_reader_refuse_key(reader, "broker",
                                      "has no `tls: {certificate: FILE, key: FILE}`; tokens never "
                                      "go over plain HTTP");
    if (!broker->admin_listen.off && !broker->admin_token)
        return yaml_reader_refuse_key(reader, "broker.admin_listen",
                                      "needs `admin_token`, the file with the bearer "
                                      "token that opens it");
    if (broker->admin_token && broker->admin_listen.off)
        return yaml_reader_refuse_key(reader, "broker.admin_token", "needs `admin_listen`, such as 0.0.0.0:8444");
    if (same_address(&broker->listen, &broker->admin_listen))
        return yaml_reader_refuse_key(reader, "broker.admin_listen",
                                      "is also the address of `listen`; take another "
                                      "port");
    return check_admission(broker, reader) && config_broker_check(broker, reader);
}

bool config_check(const struct config *config, enum config_use use, struct yaml_reader *reader)
{
    if (use == CONFIG_FOR_CHECK)
        use = config->broker.present ? CONFIG_FOR_BROKER : CONFIG_FOR_PROXY;
    if (config->reuse_port && !config->ca_state)
        return yaml_reader_refuse_key(reader, "reuse_port",
                                      "needs `ca.state`: processes that share a port must share "
                                      "the CA");
    return check_addresses(config, reader) && check_githubs(config, reader) && config_hosts_check(config, reader) &&
           check_credentials(config, use, reader) && check_upstream(config, reader) && check_limits(config, reader) &&
           check_broker(config, use, reader);
}
