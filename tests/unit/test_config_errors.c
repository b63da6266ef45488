// What a bad configuration is told: file, line, key, what is wrong and how to mend it, word for word.
#include <stdio.h>

#include "cmocka_unit.h"
#include "config.h"

#define APP "credentials: [{type: app, app_id: 1, private_key: k}]\n"

static const struct {
    const char *yaml;
    const char *error; // after "gitlatch.yaml:"
} bad[] = {
    // Not YAML, or not one mapping.
    {"", "1: credentials: is missing; say where tokens come from, such as [{type: app, app_id: \"12345\", "
         "private_key: FILE}]"},
    {"- a\n", "1: must be a mapping of keys to values, not a list"},
    {"text\n", "1: must be a mapping of keys to values, not \"text\""},
    {APP "listen: [1\n", "3: this is not YAML: did not find expected ',' or ']'"},
    {APP "ca:\n\tstate: x\n", "3: this is not YAML: found character that cannot start any token; indent with spaces, "
                              "not tabs, and quote text that begins with a special character"},
    {APP "other_hosts: @github-objects\n", "2: this is not YAML: found character that cannot start any "
                                           "token; indent with spaces, not tabs, and quote text "
                                           "that begins with a special character"},
    {APP "admin: *nowhere\n", "2: this is not YAML: found undefined alias; quote a pattern that begins with *"},
    {APP "repositories: [{match: */*, fetch: true}]\n",
     "2: this is not YAML: did not find expected alphabetic or numeric character; quote a pattern that begins with *"},
    {APP "listen:127.0.0.1:1\n",
     "3: this is not YAML: could not find expected ':'; after a key come a colon and a space"},
    {"credentials:\n- type: app\n   app_id: x\n",
     "3: this is not YAML: mapping values are not allowed in this context; indent the keys of one mapping alike"},
    {APP "# \xff\n", "2: this is not YAML: invalid leading UTF-8 octet"},
    {APP "---\nadmin: off\n", "2: a second YAML document begins here; keep one document in the file"},
    {APP "[a, b]: 1\n", "2: a key must be a name"},
    // Keys.
    {APP "listne: 127.0.0.1:1\n", "2: listne: unknown key; did you mean \"listen\"?"},
    {APP "limits: {tunel_idle: 1m}\n", "2: limits.tunel_idle: unknown key; did you mean \"tunnel_idle\"?"},
    {APP "upstream:\n  xyzzy: 1\n",
     "3: upstream.xyzzy: unknown key; known here are keep_capabilities, no_proxy, password_file, proxy, trust"},
    {APP "limits.idle: 5m\n", "2: limits.idle: unknown key; did you mean \"limits\"?"},
    {APP "Admin: off\n", "2: Admin: unknown key; did you mean \"admin\"?"},
    {APP "\"admin\\0x\": off\n", "2: admin: unknown key; did you mean \"admin\"?"},
    {APP "<<: {admin: off}\n",
     "2: <<: unknown key; known here are admin, broker, ca, credentials, enforce, "
     "gateway_hosts, github, hosts, limits, listen, log, metrics, other_hosts, other_repositories, "
     "private_addresses, repositories, reuse_port, signing, token, upstream"},
    {APP "admin: off\nadmin: off\n", "3: admin: is given twice; keep one"},
    {APP "ca: {state: a}\nca: {publish: b}\n", "3: ca: is given twice; keep one"},
    {APP "log:\n  level: info\n  level: info\n", "4: log.level: is given twice; keep one"},
    // Sections and scalars of the wrong kind.
    {APP "ca: /run\n", "2: ca: must be a mapping of keys to values, not \"/run\""},
    {APP "ca:\n", "2: ca: has no value; give a mapping of keys to values, or leave the key out"},
    {APP "ca: [a]\n", "2: ca: must be a mapping of keys to values, not a list"},
    {APP "ca: {state: [a]}\n", "2: ca.state: must be the path of a directory, not a list"},
    {APP "ca: {state: {a: b}}\n", "2: ca.state: must be the path of a directory, not a mapping"},
    {APP "ca: {state: true}\n", "2: ca.state: must be the path of a directory, not true"},
    {APP "ca: {state: ~}\n", "2: ca.state: has no value; give the path of a directory, or leave the key out"},
    {APP "ca: {state: \"\"}\n", "2: ca.state: is empty; give the path of a directory, or leave the key out"},
    {APP "ca: {state: \"a\\0b\"}\n", "2: ca.state: holds a NUL byte; give the path of a directory"},
    {APP "ca: {roots: /etc/ca.pem}\n", "2: ca.roots: must be a list of files, not \"/etc/ca.pem\""},
    {APP "ca: {roots: [a, [b]]}\n", "2: ca.roots[1]: must be a text, not a list"},
    {APP "listen: \"a\\nb\\e[31m\"\n", "2: listen: must be an address and a port, such as 127.0.0.1:3128 or "
                                       "[::1]:3128, not \"a b [31m\""},
    {APP "\"a\\nb\": 1\n",
     "2: a b: unknown key; known here are admin, broker, ca, credentials, enforce, "
     "gateway_hosts, github, hosts, limits, listen, log, metrics, other_hosts, other_repositories, "
     "private_addresses, repositories, reuse_port, signing, token, upstream"},
    // Flags.
    {APP "enforce: yes\n", "2: enforce: must be true or false, not \"yes\""},
    {APP "enforce: \"true\"\n", "2: enforce: must be true or false, not \"true\""},
    {APP "reuse_port: 1\n", "2: reuse_port: must be true or false, not \"1\""},
    // Durations and sizes.
    {APP "limits: {idle: 10}\n", "2: limits.idle: must be a duration such as 30s, 10m or 1h, not \"10\""},
    {APP "limits: {idle: 1.5h}\n", "2: limits.idle: must be a duration such as 30s, 10m or 1h, not \"1.5h\""},
    {APP "limits: {idle: -1s}\n", "2: limits.idle: must be a duration such as 30s, 10m or 1h, not \"-1s\""},
    {APP "limits: {idle: \"1 m\"}\n", "2: limits.idle: must be a duration such as 30s, 10m or 1h, not \"1 m\""},
    {APP "limits: {idle: 1h30m}\n", "2: limits.idle: must be a duration such as 30s, 10m or 1h, not \"1h30m\""},
    {APP "limits: {idle: 99999999999999999999s}\n",
     "2: limits.idle: must be a duration such as 30s, 10m or 1h, not \"99999999999999999999s\""},
    {APP "limits: {idle: 0s}\n", "2: limits.idle: must be between 1s and 24h, not 0s"},
    {APP "limits: {drain: 25h}\n", "2: limits.drain: must be between 1s and 24h, not 25h"},
    {APP "limits: {header: 64k}\n", "2: limits.header: must be a size such as 64KiB, 1MiB or 2GiB, not \"64k\""},
    {APP "limits: {header: 65536}\n", "2: limits.header: must be a size such as 64KiB, 1MiB or 2GiB, not \"65536\""},
    {APP "limits: {header: 1KiB}\n", "2: limits.header: must be between 8KiB and 64KiB, not 1KiB"},
    {APP "limits: {header: 1MiB}\n", "2: limits.header: must be between 8KiB and 64KiB, not 1MiB"},
    {APP "upstream: {keep_capabilities: 2h}\n", "2: upstream.keep_capabilities: must be between 0s and 1h, not 2h"},
    {APP "token: {refresh_before: 1h}\n", "2: token.refresh_before: must be between 0s and 55m, not 1h"},
    {APP "token:\n  minimum_life: 11m\n", "3: token: `minimum_life` must not be longer than `refresh_before`: a token "
                                          "would be refused before it is refreshed"},
    // Numbers.
    {APP "limits: {connections: many}\n", "2: limits.connections: must be a whole number, not \"many\""},
    {APP "limits: {connections: 0x10}\n", "2: limits.connections: must be a whole number, not \"0x10\""},
    {APP "limits: {connections: 0}\n", "2: limits.connections: must be between 1 and 500000, not 0"},
    {APP "limits: {connections: 1000000}\n", "2: limits.connections: must be between 1 and 500000, not 1000000"},
    // Words.
    {APP "other_repositories: anonymus\n",
     "2: other_repositories: must be anonymous or deny, not \"anonymus\"; did you mean \"anonymous\"?"},
    {APP "private_addresses: no\n", "2: private_addresses: must be allow or deny, not \"no\""},
    {APP "log: {level: verbose}\n", "2: log.level: must be error, warn, info or debug, not \"verbose\""},
    {APP "log: {format: jsno}\n", "2: log.format: must be json or text, not \"jsno\"; did you mean \"json\"?"},
    {APP "log: {format: [json]}\n", "2: log.format: must be a word, not a list"},
    // Addresses.
    {APP "listen: 3128\n", "2: listen: must be an address and a port, such as 127.0.0.1:3128 or [::1]:3128, not "
                           "\"3128\""},
    {APP "listen: localhost:3128\n", "2: listen: must be an address and a port, such as 127.0.0.1:3128 or [::1]:3128, "
                                     "not \"localhost:3128\""},
    {APP "listen: ::1:3128\n", "2: listen: must be an address and a port, such as 127.0.0.1:3128 or [::1]:3128, not "
                               "\"::1:3128\""},
    {APP "listen: 127.0.0.1:65536\n", "2: listen: must be an address and a port, such as 127.0.0.1:3128 or "
                                      "[::1]:3128, not \"127.0.0.1:65536\""},
    {APP "listen: off\n", "2: listen: must be an address and a port, such as 127.0.0.1:3128 or [::1]:3128, not "
                          "\"off\""},
    {APP "listen: []\n", "2: listen: is empty; leave the key out for its default"},
    {APP "listen:\n  - 127.0.0.1:1\n  - {mode: proxy}\n", "4: listen[1]: has no `address`, such as 127.0.0.1:3128"},
    {APP "listen: [{address: 127.0.0.1:1, mode: transprent}]\n",
     "2: listen[0].mode: must be proxy or transparent, not \"transprent\"; did you mean \"transparent\"?"},
    {APP "listen: {address: 127.0.0.1:1, mode: transparent, password_file: f}\n",
     "2: listen.password_file: cannot be asked for on a transparent address, whose clients know of no proxy"},
    {APP "listen: [127.0.0.1:1, 127.0.0.1:1]\n", "2: listen: names 127.0.0.1:1 twice; keep one"},
    {APP "admin: none\n", "2: admin: must be an address and a port, such as 127.0.0.1:9128, or off, not \"none\""},
    {APP "admin: 127.0.0.1:3128\n", "2: admin: is also an address of `listen`; take another port"},
    {APP "metrics: 127.0.0.1:3128\n", "2: metrics: is also an address of `listen`; take another port"},
    {APP "metrics: 127.0.0.1:9128\n", "2: metrics: is also the address of `admin`, which serves /metrics already; "
                                      "take another port, or off"},
    {APP "gateway_hosts: [\"a b\"]\n", "2: gateway_hosts[0]: must be the name of a host, without a port, not \"a b\""},
    {APP "gateway_hosts: [\"a:80\"]\n",
     "2: gateway_hosts[0]: must be the name of a host, without a port, not \"a:80\""},
    {APP "reuse_port: true\n", "2: reuse_port: needs `ca.state`: processes that share a port must share the CA"},
    // GitHub.
    {APP "github: []\n", "2: github: is empty; leave the key out for its default"},
    {APP "github: github.com\n", "2: github: must be a mapping of keys to values, not \"github.com\""},
    {APP "github: {host: \"https://github.com\"}\n",
     "2: github.host: `https://github.com` is not a host name: write it as in github.com"},
    {APP "github: {api: \"http://api.github.com\"}\n",
     "2: github.api: must begin with https://: a token never goes over plain HTTP"},
    {APP "github: {api: api.github.com}\n",
     "2: github.api: must be a URL such as https://host:port, not \"api.github.com\" (Bad scheme)"},
    {APP "github: {default_owner: a/b}\n",
     "2: github.default_owner: must be the name of a user or an organisation, not \"a/b\""},
    {APP "github: {connect_to: \"a:1\"}\n", "2: github.connect_to: must be a mapping such as {\"github.com:443\": "
                                            "\"127.0.0.1:8443\"}, not \"a:1\""},
    {APP "github: {connect_to: {github.com: \"a:1\"}}\n",
     "2: github.connect_to.github.com: must be HOST:PORT, such as 127.0.0.1:8443, not \"github.com\""},
    {APP "github: {connect_to: {\"a:1\": \"b:0\"}}\n",
     "2: github.connect_to.a:1: must be HOST:PORT, such as 127.0.0.1:8443, not \"b:0\""},
    {APP "github: {connect_to: {\"a:1\": \"b:1\", \"a:1\": \"c:1\"}}\n",
     "2: github.connect_to.a:1: is given twice; keep one"},
    {"github: [{host: github.com}, {host: GitHub.com}]\n",
     "1: github[1].host: names github.com a second time; keep one"},
    {"github:\n- {}\n- {host: a.ghe.com}\n" APP,
     "4: credentials[0]: has no `host`; with several under `github` each credential names the one it is for"},
    {"credentials: [{type: file, path: f, host: ghe.corp}]\n",
     "1: credentials[0].host: is \"ghe.corp\", which neither `github` nor `hosts` names"},
    // Other git hosts.
    {APP "hosts: [{type: gitlab}]\n", "2: hosts[0]: has no `host`, such as gitlab.corp.example"},
    {APP "hosts: [{host: gitlab.corp}]\n", "2: hosts[0]: has no `type`: gitlab, gitea, bitbucket, bitbucket-server, "
                                           "azure-devops, gerrit or git"},
    {APP "hosts: [{host: github.com, type: git}]\n",
     "2: hosts[0].host: is \"github.com\", which `github` names; remove it here"},
    {APP "hosts: [{host: git.corp, type: git}, {host: 'GIT.corp:443', type: gitea}]\n",
     "2: hosts[1].host: names git.corp a second time; keep one"},
    {APP "hosts: [{host: git.corp, type: git, user: me, authorization: bearer}]\n",
     "2: hosts[0].user: is of a Basic credential; remove it, or `authorization: bearer`"},
    {"hosts: [{host: git.corp, type: git}]\ncredentials: [{type: app, app_id: 1, private_key: k, host: git.corp}]\n",
     "2: credentials[0].host: is no GitHub, for which type \"app\" has no tokens; take file, command, environment or "
     "platform"},
    {APP "repositories: [{match: git.corp/a, fetch: true}]\n",
     "2: repositories[0].match: \"git.corp/a\" begins with a host that neither `github` nor `hosts` names"},
    {APP "hosts: [{host: git.corp, type: git}]\nrepositories: [{match: git.corp/a, permissions: {issues: read}}]\n",
     "3: repositories[0].permissions: only a GitHub can honour them, not the host of git.corp/a"},
    {APP "hosts: [{host: git.corp, type: git}]\nrepositories: [{match: git.corp/a, paths: [x]}]\n",
     "3: repositories[0].paths: only a GitHub can honour them, not the host of git.corp/a"},
    {APP "hosts: [{host: git.corp, type: git}]\nrepositories: [{match: git.corp/a, graphql: true}]\n",
     "3: repositories[0].graphql: only a GitHub can honour it, not the host of git.corp/a"},
    {APP "repositories: [{match: github.com/a, fetch: true}]\n",
     "2: repositories[0].match: `a` is not `owner/name`, such as acme/widgets or acme/*"},
    // Upstream.
    {APP "upstream: {proxy: \"socks5://proxy:3128\"}\n", "2: upstream.proxy: must begin with http:// or https://"},
    {APP "upstream: {proxy: \"http://u:p@proxy:3128\"}\n",
     "2: upstream.proxy: must hold no password: name the file that holds it in `upstream.password_file`, and keep the "
     "user in the URL"},
    {APP "upstream: {proxy: \"http://proxy:3128\", password_file: /x}\n",
     "2: upstream.password_file: has no user to go with: name it in `upstream.proxy`, such as "
     "http://USER@proxy.corp:3128"},
    {APP "upstream: {proxy: \"http://proxy:3128/x\"}\n",
     "2: upstream.proxy: must end after the port: http://proxy.corp:3128"},
    {APP "upstream: {no_proxy: [\"*.corp\"]}\n",
     "2: upstream.no_proxy[0]: must be a host, or .domain for all below it, not \"*.corp\""},
    {APP "upstream: {no_proxy: .corp}\n", "2: upstream.no_proxy: must be a list of hosts and .domains, not \".corp\""},
    // Credentials.
    {"credentials: []\n", "1: credentials: is missing; say where tokens come from, such as [{type: app, app_id: "
                          "\"12345\", private_key: FILE}]"},
    {"credentials: {type: app}\n", "1: credentials: must be a list of credentials, not a mapping"},
    {"credentials: [app]\n", "1: credentials[0]: must be a mapping of keys to values, not \"app\""},
    {"credentials:\n  - {app_id: 1}\n",
     "2: credentials[0]: has no `type`: app, broker, platform, command, file or environment"},
    {"credentials: [{type: ap}]\n", "1: credentials[0].type: must be app, broker, platform, command, file or "
                                    "environment, not \"ap\"; did you mean \"app\"?"},
    {"credentials: [{type: app, private_key: k}]\n", "1: credentials[0]: has no `app_id`, which type \"app\" needs"},
    {"credentials: [{type: app, app_id: 1}]\n", "1: credentials[0]: must have one of `private_key` and `sign_command`"},
    {"credentials: [{type: app, app_id: 1, private_key: k, sign_command: [s]}]\n",
     "1: credentials[0]: must have one of `private_key` and `sign_command`"},
    {"credentials:\n- type: app\n  app_id: 1\n  private_key: k\n  wide_api: true\n",
     "5: credentials[0].wide_api: is not for type \"app\"; remove it"},
    {"credentials: [{type: app, app_id: 1, private_key: k, installation: main}]\n",
     "1: credentials[0].installation: must be a whole number, not \"main\""},
    {"credentials: [{type: file, path: f, lifetime: 5m}]\n",
     "1: credentials[0].lifetime: is not for type \"file\"; remove it"},
    {"credentials: [{type: file}]\n", "1: credentials[0]: has no `path`, which type \"file\" needs"},
    {"credentials: [{type: command, argv: gh auth token}]\n",
     "1: credentials[0].argv: must be a list: a command and its arguments, not \"gh auth token\""},
    {"credentials: [{type: command, argv: []}]\n",
     "1: credentials[0].argv: is empty; give the command and its arguments: [gh, auth, token]"},
    {"credentials: [{type: environment, name: $TOKEN}]\n",
     "1: credentials[0].name: must be the name of an environment variable, such as GITHUB_TOKEN"},
    {"credentials: [{type: broker, url: \"http://b:1\", token_file: t}]\n",
     "1: credentials[0].url: must begin with https://: a token never goes over plain HTTP"},
    {"credentials: [{type: platform, url: \"http://p:1/x\"}]\n",
     "1: credentials[0]: has no `token_file`, which type \"platform\" needs"},
    {"credentials: [{type: file, path: f, token: ghp_x}]\n", "1: credentials[0].token: unknown key; did you mean "
                                                             "\"token_file\"?"},
    // Rules.
    {APP "repositories: {match: a/b}\n", "2: repositories: must be a list of rules, not a mapping"},
    {APP "repositories: [a/b]\n", "2: repositories[0]: must be a mapping of keys to values, not \"a/b\""},
    {APP "repositories:\n- fetch: true\n",
     "3: repositories[0]: has no `match`; name the repositories it is for: match: owner/name"},
    {APP "repositories: [{match: a/b, fetch: read}]\n",
     "2: repositories[0].fetch: must be true or false, not \"read\""},
    {APP "repositories: [{match: a/b, push: refs/heads/x}]\n",
     "2: repositories[0].push: must be true, false or a list of ref patterns such as refs/heads/agent/*, not "
     "\"refs/heads/x\""},
    {APP "repositories: [{match: a/b, push: []}]\n",
     "2: repositories[0].push: is an empty list; write false to allow nothing"},
    {APP "repositories: [{match: a/b, paths: []}]\n",
     "2: repositories[0].paths: is an empty list; leave `permissions` out to close the API"},
    {APP "repositories: [{match: a/b, permissions: [issues]}]\n",
     "2: repositories[0].permissions: must be a mapping of permissions, such as {pull_requests: write}, not "
     "a list"},
    {APP "repositories: [{match: a/b, permissions: {issues: wirte}}]\n",
     "2: repositories[0].permissions.issues: must be read, write or admin, not \"wirte\"; did you mean "
     "\"write\"?"},
    {APP "repositories: [{match: a/b, permissions: {Issues: write}}]\n",
     "2: repositories[0].permissions.Issues: is no permission: a name of lower-case letters and _, at most "
     "32 of them "
     "in a rule, such as pull_requests"},
    {APP "repositories: [{match: a/b, permissions: {issues: read, issues: write}}]\n",
     "2: repositories[0].permissions.issues: is given twice; keep one"},
    {APP "repositories: [{match: a/b, max_pack: 2GB}]\n",
     "2: repositories[0].max_pack: must be a size such as 64KiB, 1MiB or 2GiB, not \"2GB\""},
    // Other hosts.
    {APP "other_hosts: tunel\n",
     "2: other_hosts: must be tunnel, deny or {allow: [host]}, not \"tunel\"; did you mean \"tunnel\"?"},
    {APP "other_hosts: [a]\n", "2: other_hosts: must be tunnel, deny, or {allow: [host, \"*.domain\"]}, not a list"},
    {APP "other_hosts: {deny: [a]}\n",
     "2: other_hosts: must be tunnel, deny, or {allow: [host, \"*.domain\"]}, with the one key `allow`"},
    {APP "other_hosts: {allow: a}\n", "2: other_hosts.allow: must be a list of hosts, not \"a\""},
    {APP "other_hosts: {allow: [a, \"b*.c\"]}\n",
     "2: other_hosts.allow[1]: must be a host, *.domain or @github-objects, not \"b*.c\""},
    {APP "other_hosts: {allow: [\"@github\"]}\n",
     "2: other_hosts.allow[0]: must be a host, *.domain or @github-objects, not \"@github\""},
    // Broker.
    {APP "broker: {}\n", "2: broker: has no `tls: {certificate: FILE, key: FILE}`; tokens never go over plain HTTP"},
    {APP "broker: {tls: {certificate: c, key: k}, admin_listen: 0.0.0.0:1}\n",
     "2: broker.admin_listen: needs `admin_token`, the file with the bearer token that opens it"},
    {APP "broker: {tls: {certificate: c, key: k}, admin_token: t}\n",
     "2: broker.admin_token: needs `admin_listen`, such as 0.0.0.0:8444"},
    {APP "broker: {tls: {certificate: c, key: k}, admin_token: t, admin_listen: 0.0.0.0:8443}\n",
     "2: broker.admin_listen: is also the address of `listen`; take another port"},
    {APP "broker: {tls: {certificate: c, key: k}, admission: {listen: 0.0.0.0:1}}\n",
     "2: broker.admission: needs both `listen`, such as 0.0.0.0:8445, and `sidecar`, the file with what is put into "
     "a pod"},
    {APP "broker: {tls: {certificate: c, key: k}, admission: {listen: 0.0.0.0:8443, sidecar: s}}\n",
     "2: broker.admission.listen: is also another address of `broker`; take another port"},
    {APP "broker: {tls: {certificate: c, key: k}, replicas: 0}\n",
     "2: broker.replicas: must be between 1 and 1000, not 0"},
    {APP "broker: {tls: {certificate: c, key: k}, grants: [{namespace: n}]}\n",
     "2: broker.grants[0]: must name the `namespace` and `service_account` it is for"},
    {APP "broker: {tls: {certificate: c, key: k}, grants: [{namespace: n, service_account: s}]}\n",
     "2: broker.grants[0]: has no `repositories`; a grant without rules grants nothing"},
    {APP "broker: {tls: {certificate: c, key: k}, grants: [{namespace: n, service_account: s, repositories: "
         "[{match: a/b, fetch: 1}]}]}\n",
     "2: broker.grants[0].repositories[0].fetch: must be true or false, not \"1\""},
    {APP "broker:\n  tls: {certificate: c, key: k}\n  grants:\n  - {namespace: n, service_account: s, "
         "repositories: "
         "[], audience: x}\n",
     "5: broker.grants[0].audience: must be \"gitlatch\" or \"gitlatch-credential\", not \"x\""},
};

static void test_bad(void **state)
{
    size_t failed = 0;

    for (size_t i = 0; i < GL_ARRAY_SIZE(bad); i++) {
        struct config *config = NULL;
        struct error error = {""};
        char expected[ERROR_TEXT_SIZE];
        bool ok = config_parse(bytes_of_string(bad[i].yaml), "gitlatch.yaml", CONFIG_FOR_PROXY, &config, &error);

        snprintf(expected, sizeof(expected), "gitlatch.yaml:%s", bad[i].error);
        if (!ok && strcmp(error.text, expected) == 0)
            continue;
        failed++;
        print_error("%sshould be: %s\nbut is:    %s\n\n", bad[i].yaml, expected, ok ? "accepted" : error.text);
        config_unref(config);
    }
    assert_int_equal(failed, 0);
}

// The checks of the rules are the policy's; that they come with line and key is the configuration's.
static void test_bypass(void **state)
{
    static const char yaml[] = APP "repositories:\n"
                                   "  - match: acme/widgets\n"
                                   "    push: [\"refs/heads/agent/*\"]\n"
                                   "    permissions:\n"
                                   "      contents: write\n";
    struct config *config;
    struct error error = {""};

    assert_false(config_parse(bytes_of_string(yaml), "f", CONFIG_FOR_PROXY, &config, &error));
    assert_non_null(strstr(error.text, "repositories[0]."));
    assert_non_null(strstr(error.text, "accept_bypass"));
}

static void test_uses(void **state)
{
    struct config *config;
    struct error error = {""};

    assert_true(config_parse(BYTES("admin: off\n"), NULL, CONFIG_FOR_RUN, &config, &error));
    config_unref(config);
    assert_false(config_parse(BYTES(APP), "f", CONFIG_FOR_BROKER, &config, &error));
    assert_string_equal(error.text, "f:1: broker: is missing, and `gitlatch broker` needs it");
    // Without any it is a broker whose platform endpoint says that there is no App.
    assert_true(
        config_parse(BYTES("broker: {tls: {certificate: c, key: k}}\n"), "f", CONFIG_FOR_BROKER, &config, &error));
    config_unref(config);
    assert_true(
        config_parse(BYTES("broker: {tls: {certificate: c, key: k}}\n"), "f", CONFIG_FOR_CHECK, &config, &error));
    config_unref(config);
    assert_false(config_parse(BYTES("admin: off\n"), "f", CONFIG_FOR_CHECK, &config, &error));
    assert_non_null(strstr(error.text, "credentials: is missing"));
    assert_false(config_parse(BYTES("credentials: [{type: file, path: f}]\nbroker: {}\n"), "f", CONFIG_FOR_BROKER,
                              &config, &error));
    assert_string_equal(error.text, "f:1: credentials: has no entry of type app, of which a broker makes its tokens; "
                                    "add one");
}

static void test_file(void **state)
{
    struct config *config;
    struct error error = {""};

    assert_false(config_load("/nonexistent/gitlatch.yaml", CONFIG_FOR_PROXY, &config, &error));
    assert_string_equal(error.text, "/nonexistent/gitlatch.yaml: cannot be opened: No such file or directory; name "
                                    "another file with -c FILE or GITLATCH_CONFIG");
    assert_false(config_load("/", CONFIG_FOR_PROXY, &config, &error));
    assert_string_equal(error.text, "/: cannot be read: Is a directory");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bad),
        cmocka_unit_test(test_bypass),
        cmocka_unit_test(test_uses),
        cmocka_unit_test(test_file),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
