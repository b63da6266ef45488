// What a good configuration gives: every default, and every value where it belongs.
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "cmocka_unit.h"
#include "config.h"
#include "mem.h"

static struct config *parse(const char *yaml, enum config_use use)
{
    struct config *config = NULL;
    struct error error = {""};

    if (!config_parse(bytes_of_string(yaml), "gitlatch.yaml", use, &config, &error))
        fail_msg("%s", error.text);
    return config;
}

static void test_defaults(void **state)
{
    struct config *config = parse("credentials: [{type: app, app_id: 12345, private_key: /k.pem}]", CONFIG_FOR_PROXY);

    assert_int_equal(config->listener_count, 1);
    assert_string_equal(config->listeners[0].address.text, "127.0.0.1:3128");
    assert_int_equal(address_port(&config->listeners[0].address.address), 3128);
    assert_int_equal(config->listeners[0].mode, LISTENER_PROXY);
    assert_int_equal(config->gateway_hosts.count, 0);
    assert_false(config->reuse_port);
    assert_string_equal(config->admin.text, "127.0.0.1:9128");
    assert_true(config->metrics.off);
    assert_null(config->ca_state);
    assert_string_equal(config->ca_publish, "/run/gitlatch/public");
    assert_int_equal(config->ca_roots.count, 1);
    assert_string_equal(config->ca_roots.items[0], "/etc/ssl/certs/ca-certificates.crt");
    assert_int_equal(config->github_count, 1);
    assert_string_equal(config->githubs[0].host.web, "github.com");
    assert_string_equal(config->githubs[0].host.api_url, "https://api.github.com");
    assert_string_equal(config->githubs[0].trust, "/etc/ssl/certs/ca-certificates.crt");
    assert_null(config->upstream_proxy);
    assert_int_equal(config->keep_capabilities_ms, 0);
    assert_int_equal(config->token_refresh_before_ms, 600000);
    assert_int_equal(config->token_minimum_life_ms, 60000);
    assert_false(config->rules.present);
    assert_int_equal(config->rules.other, OTHER_REPOSITORIES_ANONYMOUS);
    assert_false(config->deny_private_addresses);
    assert_int_equal(config->other_hosts.kind, OTHER_HOSTS_TUNNEL);
    assert_true(config->enforce);
    assert_int_equal(config->limits.connections, 1024);
    assert_int_equal(config->limits.per_client, 512);
    assert_int_equal(config->limits.memory, 64 * MIB);
    assert_int_equal(config->limits.header, 65536);
    assert_int_equal(config->limits.idle_ms, 300000);
    assert_int_equal(config->limits.tunnel_idle_ms, 3600000);
    assert_int_equal(config->limits.connect_ms, 10000);
    assert_int_equal(config->limits.head_ms, 30000);
    assert_int_equal(config->limits.token_ms, 30000);
    assert_int_equal(config->limits.drain_ms, 30000);
    assert_int_equal(config->log_level, LOG_INFO);
    assert_int_equal(config->log_format, LOG_JSON);
    assert_string_equal(config->audit, "stdout");
    assert_false(config->broker.present);
    config_unref(config);
}

static void test_credentials(void **state)
{
    struct config *config =
        parse("credentials:\n"
              "- {type: app, app_id: Iv1.x, sign_command: [kms, --sign], installation: 42, host: github.com}\n"
              "- {type: broker, url: 'https://b:8443', token_file: /t, trust: /ca.pem}\n"
              "- {type: platform, url: 'http://p:8080/admin', token_file: /t, wide_api: true}\n"
              "- {type: command, argv: [gh, auth, token], lifetime: 55m, also_when_refused: true}\n"
              "- {type: file, path: /pat}\n"
              "- {type: environment, name: GITHUB_TOKEN}\n",
              CONFIG_FOR_PROXY);
    const struct credential_options *options = config->credentials;

    assert_int_equal(config->credential_count, 6);
    assert_int_equal(options[0].type, CREDENTIAL_APP);
    assert_string_equal(options[0].app_id, "Iv1.x");
    assert_string_equal(options[0].sign_command[1], "--sign");
    assert_null(options[0].sign_command[2]);
    assert_null(options[0].private_key);
    assert_int_equal(options[0].installation, 42);
    assert_string_equal(options[0].host, "github.com");
    assert_int_equal(options[1].type, CREDENTIAL_BROKER);
    assert_string_equal(options[1].url, "https://b:8443");
    assert_string_equal(options[1].trust, "/ca.pem");
    assert_int_equal(options[2].type, CREDENTIAL_PLATFORM);
    assert_true(options[2].wide_api);
    assert_int_equal(options[3].type, CREDENTIAL_COMMAND);
    assert_string_equal(options[3].argv[2], "token");
    assert_int_equal(options[3].lifetime_ms, 55 * 60 * 1000);
    assert_true(options[3].also_when_refused);
    assert_int_equal(options[4].type, CREDENTIAL_FILE);
    assert_string_equal(options[4].path, "/pat");
    assert_int_equal(options[5].type, CREDENTIAL_ENVIRONMENT);
    assert_string_equal(options[5].name, "GITHUB_TOKEN");
    config_unref(config);
}

static void test_rules(void **state)
{
    struct config *config = parse("credentials: [{type: file, path: f}]\n"
                                  "repositories:\n"
                                  "  - match: Acme/Widgets\n"
                                  "    fetch: true\n"
                                  "    push: [\"refs/heads/agent/*\", \"refs/tags/**\"]\n"
                                  "    delete: true\n"
                                  "    permissions: {pull_requests: write, issues: read}\n"
                                  "    graphql: false\n"
                                  "    paths: [\"pulls/**\"]\n"
                                  "    create: false\n"
                                  "    max_pack: 2GiB\n"
                                  "  - match: 'acme/*'\n"
                                  "other_repositories: deny\n",
                                  CONFIG_FOR_PROXY);
    const struct rule *rule = &config->rules.rules[0];

    assert_true(config->rules.present);
    assert_int_equal(config->rules.count, 2);
    assert_int_equal(config->rules.other, OTHER_REPOSITORIES_DENY);
    assert_int_equal(config->rule_lines[0], 3);
    assert_int_equal(config->rule_lines[1], 12);
    assert_string_equal(rule->match, "acme/widgets");
    assert_true(rule->fetch);
    assert_int_equal(rule->push.kind, REF_SET_PATTERNS);
    assert_int_equal(rule->push.count, 2);
    assert_string_equal(rule->push.patterns[1], "refs/tags/**");
    assert_int_equal(rule->delete.kind, REF_SET_ALL);
    assert_int_equal(permissions_level(&rule->permissions, BYTES("pull_requests")), PERMISSION_WRITE);
    assert_int_equal(permissions_level(&rule->permissions, BYTES("issues")), PERMISSION_READ);
    assert_false(rule->graphql);
    assert_int_equal(rule->paths.count, 1);
    assert_string_equal(rule->paths.patterns[0], "pulls/**");
    assert_false(rule->create);
    assert_int_equal(rule->max_pack, UINT64_C(2) << 30);
    // What a rule does not say is not allowed.
    assert_false(rule[1].fetch);
    assert_int_equal(rule[1].push.kind, REF_SET_NONE);
    assert_int_equal(rule[1].delete.kind, REF_SET_NONE);
    assert_int_equal(rule[1].permissions.count, 0);
    assert_null(rule[1].paths.patterns);
    assert_true(rule[1].create);
    assert_int_equal(rule[1].max_pack, 0);
    config_unref(config);
}

// No rule at all is not the same as no `repositories`.
static void test_empty_rules(void **state)
{
    struct config *config = parse("repositories: []\n", CONFIG_FOR_RUN);

    assert_true(config->rules.present);
    assert_int_equal(config->rules.count, 0);
    config_unref(config);
}

static void test_unions(void **state)
{
    struct config *config = parse("listen:\n"
                                  "  - 127.0.0.1:0\n"
                                  "  - {address: '[::1]:3129', mode: transparent}\n"
                                  "  - {address: 0.0.0.0:3130, password_file: /p}\n"
                                  "admin: off\n"
                                  "metrics: 0.0.0.0:9129\n"
                                  "gateway_hosts: [Gitlatch.local]\n"
                                  "other_hosts: {allow: ['@github-objects', '*.Example.com', 10.0.0.1]}\n"
                                  "private_addresses: deny\n"
                                  "upstream: {proxy: 'http://proxy.corp:3128', no_proxy: ['.Corp', host]}\n",
                                  CONFIG_FOR_RUN);

    assert_int_equal(config->listener_count, 3);
    assert_int_equal(config->listeners[1].mode, LISTENER_TRANSPARENT);
    assert_int_equal(config->listeners[1].address.address.any.sa_family, AF_INET6);
    assert_string_equal(config->listeners[2].password_file, "/p");
    assert_int_equal(config->listeners[2].mode, LISTENER_PROXY);
    assert_true(config->admin.off);
    assert_int_equal(address_port(&config->metrics.address), 9129);
    assert_string_equal(config->gateway_hosts.items[0], "gitlatch.local");
    assert_int_equal(config->other_hosts.kind, OTHER_HOSTS_ALLOW);
    assert_int_equal(config->other_hosts.allow.count, 3);
    assert_string_equal(config->other_hosts.allow.items[0], OTHER_HOSTS_GITHUB_OBJECTS);
    assert_string_equal(config->other_hosts.allow.items[1], "*.example.com");
    assert_true(config->deny_private_addresses);
    assert_string_equal(config->upstream_proxy, "http://proxy.corp:3128");
    assert_string_equal(config->upstream_no_proxy.items[0], ".corp");
    config_unref(config);
}

static void test_hosts(void **state)
{
    struct config *config =
        parse("hosts:\n"
              "- {host: 'GitLab.corp:443', type: gitlab, pages: deny}\n"
              "- {host: 'git.corp:8443', type: gerrit, user: me, trust: /r,\n"
              "   connect_to: {'git.corp:8443': '127.0.0.1:1'}}\n"
              "credentials: [{type: file, path: f}, {type: file, path: g, host: 'GITLAB.corp:443'}]\n"
              "repositories:\n"
              "- {match: Acme/Widgets, fetch: true}\n"
              "- {match: 'GitLab.corp/Group/**', fetch: true}\n"
              "- {match: 'github.com/acme/*', push: true}\n"
              "- {match: 'git.corp:8443/Plugins/*', fetch: true}\n",
              CONFIG_FOR_PROXY);

    assert_int_equal(config->host_count, 2);
    assert_string_equal(config->hosts[0].host.web, "gitlab.corp");
    assert_string_equal(config->hosts[0].trust, "/etc/ssl/certs/ca-certificates.crt");
    assert_true(config->hosts[0].host.pages_deny);
    assert_int_equal(config->hosts[1].host.type, GIT_HOST_GERRIT);
    assert_string_equal(config->hosts[1].host.user, "me");
    assert_string_equal(config->hosts[1].connect_to[0].from_host, "git.corp");
    assert_string_equal(config->credentials[1].host, "gitlab.corp");
    // Each host has its rules, and no others.
    assert_int_equal(config->githubs[0].rules.count, 2);
    assert_string_equal(config->githubs[0].rules.rules[1].match, "github.com/acme/*");
    assert_int_equal(config->githubs[0].rule_lines[1], 9);
    assert_non_null(rules_find_named(&config->githubs[0].rules, BYTES("acme/gadgets")));
    assert_null(rules_find_named(&config->githubs[0].rules, BYTES("group/app")));
    assert_int_equal(config->hosts[0].rules.count, 1);
    assert_non_null(rules_find_named(&config->hosts[0].rules, BYTES("group/sub/app")));
    assert_null(rules_find_named(&config->hosts[0].rules, BYTES("acme/widgets")));
    assert_non_null(rules_find_named(&config->hosts[1].rules, BYTES("Plugins/lfs")));
    assert_null(rules_find_named(&config->hosts[1].rules, BYTES("plugins/lfs")));
    config_unref(config);
}

static void test_githubs(void **state)
{
    struct config *config =
        parse("github:\n"
              "- {connect_to: {'GitHub.com:443': '127.0.0.1:8443', ':443': '[::1]:'}}\n"
              "- {host: git.corp, api: 'https://git.corp/api/v3/', default_owner: Acme, trust: /r}\n",
              CONFIG_FOR_RUN);
    const struct config_connect_to *to = config->githubs[0].connect_to;

    assert_int_equal(config->github_count, 2);
    assert_int_equal(config->githubs[0].connect_to_count, 2);
    assert_string_equal(to[0].from_host, "github.com");
    assert_int_equal(to[0].from_port, 443);
    assert_string_equal(to[0].to_host, "127.0.0.1");
    assert_int_equal(to[0].to_port, 8443);
    assert_string_equal(to[1].from_host, "");
    assert_string_equal(to[1].to_host, "::1");
    assert_int_equal(to[1].to_port, 0);
    assert_int_equal(config->githubs[1].host.flavor, GITHUB_ENTERPRISE_SERVER);
    assert_string_equal(config->githubs[1].host.api_url, "https://git.corp/api/v3");
    assert_string_equal(config->githubs[1].host.default_owner, "acme");
    assert_string_equal(config->githubs[1].trust, "/r");
    config_unref(config);
}

static void test_broker(void **state)
{
    struct config *config = parse("credentials: [{type: app, app_id: 1, private_key: k}]\n"
                                  "broker:\n"
                                  "  tls: {certificate: c, key: k}\n"
                                  "  grants:\n"
                                  "  - {namespace: team-a, service_account: ws, repositories: [{match: A/*}]}\n"
                                  "  - audience: gitlatch-credential\n"
                                  "    namespace: team-b\n"
                                  "    service_account: ws\n"
                                  "    repositories:\n"
                                  "    - {match: b/c}\n",
                                  CONFIG_FOR_BROKER);

    assert_true(config->broker.present);
    assert_string_equal(config->broker.listen.text, "0.0.0.0:8443");
    assert_true(config->broker.admin_listen.off);
    assert_int_equal(config->broker.replicas, 1);
    assert_string_equal(config->broker.audience, "gitlatch");
    assert_int_equal(config->broker.grant_count, 2);
    assert_string_equal(config->broker.grants[0].audience, "gitlatch");
    assert_string_equal(config->broker.grants[0].rules.rules[0].match, "a/*");
    assert_true(config->broker.grants[0].rules.present);
    assert_int_equal(config->broker.grants[1].rule_lines[0], 10);
    config_unref(config);
}

// JSON is YAML, and what other programs write.
static void test_json(void **state)
{
    struct config *config = parse("{\"listen\": \"127.0.0.1:1\", \"enforce\": false, \"limits\": {\"idle\": \"7s\"},\n"
                                  " \"credentials\": [{\"type\": \"file\", \"path\": \"\\/pat\"}]}",
                                  CONFIG_FOR_PROXY);

    assert_false(config->enforce);
    assert_int_equal(config->limits.idle_ms, 7000);
    assert_string_equal(config->credentials[0].path, "/pat");
    config_unref(config);
}

// An anchor that holds itself must not be followed for ever.
static void test_aliases(void **state)
{
    struct config *config = parse("log: {audit: &file /a}\nca: {publish: *file}\n", CONFIG_FOR_RUN);
    struct error error;

    assert_string_equal(config->ca_publish, "/a");
    config_unref(config);
    assert_false(config_parse(BYTES("github: &a [*a]\n"), "f", CONFIG_FOR_RUN, &config, &error));
    assert_string_equal(error.text, "f:1: github[0]: must be a mapping of keys to values, not a list");
    assert_false(config_parse(BYTES("github: &a {connect_to: *a}\n"), "f", CONFIG_FOR_RUN, &config, &error));
    assert_string_equal(error.text, "f:1: github.connect_to.connect_to: must be HOST:PORT, such as 127.0.0.1:8443, "
                                    "not a mapping");
}

static void test_descriptors(void **state)
{
    struct rlimit before, low = {.rlim_cur = 500, .rlim_max = 500};
    struct config *config;
    struct error error = {""};
    int pipes[2];

    assert_int_equal(pipe(pipes), 0);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    // The hard limit cannot be raised again: in a process of its own.
    if (fork() == 0) {
        setrlimit(RLIMIT_NOFILE, &low);
        if (config_parse(BYTES("limits:\n  connections: 200\n"), "f", CONFIG_FOR_RUN, &config, &error))
            error_set(&error, "accepted");
        _exit(write(pipes[1], error.text, sizeof(error.text)) < 0);
    }
    assert_int_equal(read(pipes[0], error.text, sizeof(error.text)), sizeof(error.text));
    assert_string_equal(error.text, "f:2: limits.connections: 200 connections need 528 descriptors, and the hard limit "
                                    "is 500; lower it to 186, or raise the limit (ulimit -Hn)");
    close(pipes[0]);
    close(pipes[1]);
}

static void test_references(void **state)
{
    struct config *config = parse("", CONFIG_FOR_RUN);

    assert_ptr_equal(config_ref(config), config);
    config_unref(config);
    assert_string_equal(config->audit, "stdout");
    config_unref(config);
    config_unref(NULL);
}

static bool load_admin(const char *yaml, struct address *ret_address, struct error *ret_error)
{
    char path[] = "/tmp/test-config-XXXXXX";
    int file = mkstemp(path);
    bool ok;

    assert_true(file >= 0);
    assert_int_equal(write(file, yaml, strlen(yaml)), strlen(yaml));
    close(file);
    ok = config_load_admin(path, ret_address, ret_error);
    unlink(path);
    return ok;
}

static void test_admin(void **state)
{
    struct address address;
    struct error error;

    assert_true(load_admin("admin: 127.0.0.1:1\nwrong: [\n", &address, &error)); // a broken edit: the default
    assert_int_equal(address_port(&address), 9128);
    assert_true(load_admin("admin: 127.0.0.1:1\nlimits: {idle: wrong}\n", &address, &error));
    assert_int_equal(address_port(&address), 1);
    assert_true(load_admin("", &address, &error));
    assert_int_equal(address_port(&address), 9128);
    assert_false(load_admin("admin: off\n", &address, &error));
    assert_non_null(strstr(error.text, "`admin` is off"));
    assert_false(load_admin("admin: x\n", &address, &error));
    assert_non_null(strstr(error.text, ":1: admin: must be an address"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),    cmocka_unit_test(test_credentials), cmocka_unit_test(test_rules),
        cmocka_unit_test(test_empty_rules), cmocka_unit_test(test_unions),      cmocka_unit_test(test_githubs),
        cmocka_unit_test(test_hosts),       cmocka_unit_test(test_broker),      cmocka_unit_test(test_json),
        cmocka_unit_test(test_aliases),     cmocka_unit_test(test_descriptors), cmocka_unit_test(test_references),
        cmocka_unit_test(test_admin),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
