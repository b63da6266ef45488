#include "config_table.h"

#include "config.h"
#include "config_broker.h"
#include "config_credential.h"
#include "config_hosts.h"
#include "setting_hosts.h"
#include "setting_rules.h"
#include "web_url.h"

#define SYSTEM_ROOTS "/etc/ssl/certs/ca-certificates.crt"

// ROW(structure, key, type, member, default, detail, text)
#define ROW(structure, key, type, member, fallback, detail, text)                                                      \
    {                                                                                                                  \
        key, &(type), offsetof(struct structure, member), fallback, detail, text                                       \
    }
#define SECTION(key, text)                                                                                             \
    {                                                                                                                  \
        key, &setting_section, 0, NULL, NULL, text                                                                     \
    }

#define SECONDS(number) ((uint64_t)(number)*1000)
#define MINUTES(number) SECONDS((number)*60)
#define HOURS(number)   MINUTES((number)*60)

static const enum web_url_kind proxy_url = WEB_URL_PROXY;
static const enum web_url_kind tls_url = WEB_URL_TLS;

// A limit of no time would end everything at once; one of more than a day is a mistake of a unit.
static const struct setting_bounds a_day = {SECONDS(1), HOURS(24)};
// GitHub closes what a client does not end in an hour or two; a day is enough for any clone.
static const struct setting_bounds capabilities_bounds = {0, MINUTES(60)};
// GitHub's own heads have about 4 KiB, and a buffer is 64 KiB: a head must fit into one.
static const struct setting_bounds header_bounds = {8 * KIB, 64 * KIB};
// One push of 20,000 refs, twice.
static const struct setting_bounds memory_bounds = {16 * MIB, UINT64_C(64) * 1024 * MIB};
// The kernel gives no more descriptors than 2^20 by default (fs.nr_open), two a connection.
static const struct setting_bounds connection_bounds = {1, 500000};
// GitHub's tokens live an hour; a token that always has less than `refresh_before` left is always refreshed.
static const struct setting_bounds refresh_bounds = {0, MINUTES(55)};
static const struct setting_bounds replica_bounds = {1, 1000};

// listen

static const char *const listener_modes[] = {"proxy", "transparent", NULL};

static const struct setting listener_rows[] = {
    ROW(config_listener, "address", setting_address, address, NULL, NULL, "the address and port to listen on"),
    ROW(config_listener, "mode", setting_word, mode, "proxy", listener_modes,
        "transparent: for connections that were redirected here"),
    ROW(config_listener, "password_file", setting_file, password_file, NULL, NULL,
        "holds the password that clients must give, in a HTTPS_PROXY of http://gitlatch:PASSWORD@HOST:PORT (the "
        "published one is without it, for all may read that); the gateway is closed on such an address"),
};

static bool finish_listener(struct yaml_reader *reader, const yaml_node_t *node, void *entry)
{
    const struct config_listener *listener = entry;

    if (!listener->address.text)
        return yaml_reader_refuse(reader, node, "has no `address`, such as 127.0.0.1:3128");
    if (listener->mode == LISTENER_TRANSPARENT && listener->password_file)
        return yaml_reader_refuse_key(reader, "password_file",
                                      "cannot be asked for on a transparent address, whose "
                                      "clients know of no proxy");
    return true;
}

static const struct setting_entries listeners = {
    .table = SETTING_TABLE(listener_rows),
    .size = sizeof(struct config_listener),
    .count = offsetof(struct config, listener_count),
    .expected = "an address or a list of them",
    .single = true,
    .short_key = "address",
    .finish = finish_listener,
};

// github

static const size_t github_connect_to_count = offsetof(struct config_github, connect_to_count);

static const struct setting github_rows[] = {
    ROW(config_github, "api", setting_web_url, api, NULL, &tls_url, "base URL of the API; absent: derived from `host`"),
    ROW(config_github, "connect_to", setting_connect_to, connect_to, NULL, &github_connect_to_count,
        "as curl's --connect-to, for every connection that gitlatch makes, which then is direct, past "
        "`upstream.proxy`; loopback is allowed"),
    ROW(config_github, "default_owner", setting_string, default_owner, NULL, NULL,
        "whose installation answers API calls that name no repository"),
    ROW(config_github, "host", setting_string, web, "github.com", NULL,
        "github.com, a ghe.com tenant or an Enterprise Server"),
    ROW(config_github, "trust", setting_file, trust, SYSTEM_ROOTS, NULL, "PEM file with the roots to trust"),
};

static bool finish_github(struct yaml_reader *reader, const yaml_node_t *node, void *entry)
{
    struct config_github *github = entry;
    struct repository_name name;
    struct error problem;

    if (github->default_owner && !repository_name_parse(bytes_of_string(github->default_owner), BYTES("name"), &name))
        return yaml_reader_refuse_key(reader, "default_owner",
                                      "must be the name of a user or an organisation, not "
                                      "\"%s\"",
                                      github->default_owner);
    if (!github_host_init(&github->host, github->web, NULL, github->default_owner, &problem))
        return yaml_reader_refuse_key(reader, "host", "%s", problem.text);
    if (!github->api)
        return true;
    github_host_clear(&github->host);
    return github_host_init(&github->host, github->web, github->api, github->default_owner, &problem) ||
           yaml_reader_refuse_key(reader, "api", "%s", problem.text);
}

static void discard_github(void *entry)
{
    github_host_clear(&((struct config_github *)entry)->host);
}

static const struct setting_entries githubs = {
    .table = SETTING_TABLE(github_rows),
    .size = sizeof(struct config_github),
    .count = offsetof(struct config, github_count),
    .expected = "a mapping or a list of them",
    .single = true,
    .finish = finish_github,
    .discard = discard_github,
};

static const struct setting_entries credentials = {
    .table = {credential_rows, CREDENTIAL_ROWS},
    .size = sizeof(struct credential_options),
    .count = offsetof(struct config, credential_count),
    .expected = "a list of credentials",
    .finish = credential_finish,
};

static const struct setting_entries rules = SETTING_RULES(struct config, rules, rule_lines);

// The file.

static const char *const log_levels[] = {"error", "warn", "info", "debug", NULL};
static const char *const log_formats[] = {"json", "text", NULL};
static const char *const other_words[] = {"anonymous", "deny", NULL};

static const struct setting rows[] = {
    ROW(config, "admin", setting_address_or_off, admin, CONFIG_DEFAULT_ADMIN, NULL, "health, metrics, status page"),
    SECTION("broker", "for `gitlatch broker`"),
    ROW(config, "broker.admin_listen", setting_address_or_off, broker.admin_listen, "off", NULL,
        "where GET /admin/github-installation-token is answered, with the same TLS"),
    ROW(config, "broker.admin_token", setting_file, broker.admin_token, NULL, NULL,
        "holds the bearer token that opens it"),
    SECTION("broker.admission", "the webhook that puts the sidecar into pods"),
    ROW(config, "broker.admission.listen", setting_address_or_off, broker.admission_listen, "off", NULL,
        "where the API server asks, with the same TLS"),
    ROW(config, "broker.admission.sidecar", setting_file, broker.admission_sidecar, NULL, NULL,
        "what is put into a pod: JSON that k8s/generate makes"),
    SECTION("broker.clients", "mutual TLS, by which callers may prove themselves"),
    ROW(config, "broker.clients.ca", setting_file, broker.clients_ca, NULL, NULL,
        "the CA of callers' certificates, or a SPIFFE bundle as PEM; read again when it changes; absent: none is asked "
        "for"),
    ROW(config, "broker.grants", setting_list, broker.grants, NULL, &config_broker_grants, "who may ask for what"),
    ROW(config, "broker.issuers", setting_list, broker.issuers, NULL, &config_broker_issuers,
        "OpenID Connect: whose tokens prove a caller"),
    SECTION("broker.kubernetes", "how callers are proven"),
    ROW(config, "broker.kubernetes.api", setting_web_url, broker.kubernetes_api, NULL, &tls_url,
        "the API server; absent: the cluster's own"),
    ROW(config, "broker.kubernetes.audience", setting_string, broker.audience, "gitlatch", NULL,
        "that the callers' projected service-account tokens are for"),
    ROW(config, "broker.kubernetes.ca", setting_file, broker.kubernetes_ca, NULL, NULL,
        "roots for the API server; absent: the cluster's own"),
    ROW(config, "broker.kubernetes.token_file", setting_file, broker.kubernetes_token_file, NULL, NULL,
        "the broker's own service-account token; absent: the cluster's own"),
    ROW(config, "broker.listen", setting_address, broker.listen, "0.0.0.0:8443", NULL, "where sidecars ask"),
    ROW(config, "broker.replicas", setting_count, broker.replicas, "1", &replica_bounds,
        "how many run; each takes its share of the limits toward GitHub"),
    SECTION("broker.tls", "the broker's certificate, read again when it changes"),
    ROW(config, "broker.tls.certificate", setting_file, broker.certificate, NULL, NULL, "PEM file"),
    ROW(config, "broker.tls.key", setting_file, broker.key, NULL, NULL, "PEM file"),
    SECTION("ca", "the certificate authority made for this workspace alone"),
    ROW(config, "ca.publish", setting_directory, ca_publish, "/run/gitlatch/public", NULL,
        "directory into which ca.pem, bundle.pem, truststore.p12, wgetrc, rules.json, env and gitconfig are written"),
    ROW(config, "ca.roots", setting_files, ca_roots, "[" SYSTEM_ROOTS "]", NULL, "what bundle.pem holds beside our CA"),
    ROW(config, "ca.state", setting_directory, ca_state, NULL, NULL,
        "directory that keeps the CA over a restart (memory-backed); absent: it lives in memory alone"),
    ROW(config, "credentials", setting_list, credentials, NULL, &credentials,
        "where tokens come from, tried in this order"),
    ROW(config, "enforce", setting_flag, enforce, "true", NULL, "false: decide and audit, but let through"),
    ROW(config, "gateway_hosts", setting_host_names, gateway_hosts, "[]", NULL,
        "further names under which the gateway and the admin address may be asked for"),
    ROW(config, "github", setting_list, githubs, "{}", &githubs,
        "one, or a list; with several, a credential names its `host`"),
    ROW(config, "hosts", setting_list, hosts, "[]", &config_hosts,
        "git hosts that are no GitHub: git and Git LFS alone get a credential there"),
    SECTION("limits", "what bounds a connection"),
    ROW(config, "limits.connect", setting_duration, limits.connect_ms, "10s", &a_day, "to connect to a host"),
    ROW(config, "limits.connections", setting_count, limits.connections, "1024", &connection_bounds,
        "client connections; above it a client gets 503 and is closed"),
    ROW(config, "limits.drain", setting_duration, limits.drain_ms, "30s", &a_day,
        "how long SIGTERM waits for what is in flight"),
    ROW(config, "limits.head", setting_duration, limits.head_ms, "30s", &a_day, "for a client's request head"),
    ROW(config, "limits.header", setting_size, limits.header, "64KiB", &header_bounds,
        "the most bytes of a request or response head"),
    ROW(config, "limits.idle", setting_duration, limits.idle_ms, "5m", &a_day,
        "without a byte either way, in an exchange or between two requests"),
    ROW(config, "limits.memory", setting_size, limits.memory, "64MiB", &memory_bounds,
        "all that is held of bodies and answers together; beyond it 503"),
    ROW(config, "limits.per_client", setting_count, limits.per_client, "512", &connection_bounds,
        "client connections of one address, but loopback's; above it a client gets 503 and is closed"),
    ROW(config, "limits.token", setting_duration, limits.token_ms, "30s", &a_day,
        "the longest that a request waits for a token"),
    ROW(config, "limits.tunnel_idle", setting_duration, limits.tunnel_idle_ms, "1h", &a_day,
        "without a byte either way, in a tunnel"),
    ROW(config, "listen", setting_list, listeners, "127.0.0.1:3128", &listeners,
        "where the workspace finds the proxy: an address, or a list of addresses and mappings"),
    SECTION("log", "what is written where"),
    ROW(config, "log.audit", setting_file, audit, "stdout", NULL, "stdout, none, or a file"),
    ROW(config, "log.format", setting_word, log_format, "json", log_formats, "of the log, which goes to stderr"),
    ROW(config, "log.level", setting_word, log_level, "info", log_levels, "what is logged at least"),
    ROW(config, "metrics", setting_address_or_off, metrics, "off", NULL,
        "a further address for /metrics alone, without repository labels, for a scraper"),
    ROW(config, "other_hosts", setting_other_hosts, other_hosts, "tunnel", NULL,
        "what is done with hosts that are no GitHub; " OTHER_HOSTS_GITHUB_OBJECTS " stands for GitHub's object hosts"),
    ROW(config, "other_repositories", setting_word, rules.other, "anonymous", other_words,
        "what no rule names: anonymous: no credential is attached, the client's own is removed; deny: 403"),
    ROW(config, "private_addresses", setting_allow, deny_private_addresses, "allow", NULL,
        "tunnels to RFC 1918 and unique local addresses"),
    ROW(config, "repositories", setting_list, rules.rules, NULL, &rules,
        "rules, of which the first that matches decides; absent: whatever the credential reaches"),
    ROW(config, "reuse_port", setting_flag, reuse_port, "false", NULL,
        "several processes listen on one port; needs `ca.state`"),
    SECTION("signing", "signed commits; absent: none"),
    ROW(config, "signing.key", setting_file, signing.key, NULL, NULL,
        "an OpenSSH private key, Ed25519 and unencrypted, as ssh-keygen -t ed25519 -N '' makes it; read again when it "
        "changes; beside `sign_command` the file of its public key"),
    ROW(config, "signing.sign_command", setting_argv, signing.command, NULL, NULL,
        "instead of a key: the command gets what is to be signed on stdin, and writes the Ed25519 signature, raw or in "
        "base64; with nothing on stdin it writes its public key, `ssh-ed25519 AAAA...`, unless `key` names a file with it"),
    SECTION("token", "how fresh a token is"),
    ROW(config, "token.ahead", setting_flag, token_ahead, "true", NULL,
        "at start and when the rules change, the installation and the fetch tokens of up to four rules without a pattern "
        "are had before they are asked for"),
    ROW(config, "token.minimum_life", setting_duration, token_minimum_life_ms, "1m", &refresh_bounds,
        "a token with less than this left is never attached"),
    ROW(config, "token.refresh_before", setting_duration, token_refresh_before_ms, "10m", &refresh_bounds,
        "a token in use with less than this left is refreshed in the background"),
    SECTION("upstream", "the way out"),
    ROW(config, "upstream.keep_capabilities", setting_duration, keep_capabilities_ms, "0s", &capabilities_bounds,
        "how long a protocol-v2 capability advertisement is kept; 0s: not"),
    ROW(config, "upstream.no_proxy", setting_host_suffixes, upstream_no_proxy, "[]", NULL,
        "hosts that are reached without `upstream.proxy`"),
    ROW(config, "upstream.password_file", setting_file, upstream_password_file, NULL, NULL,
        "holds the password of the user in `upstream.proxy`, sent to that proxy alone (Basic)"),
    ROW(config, "upstream.proxy", setting_web_url, upstream_proxy, NULL, &proxy_url,
        "the corporate proxy, http:// or https://, through which everything goes but `upstream.no_proxy` and "
        "`github.connect_to`; a user may stand in it; absent: direct"),
    ROW(config, "upstream.trust", setting_file, upstream_trust, SYSTEM_ROOTS, NULL,
        "the certificates that an https:// `upstream.proxy` is trusted by"),
};

const struct setting_table config_table = SETTING_TABLE(rows);
