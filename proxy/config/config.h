// The configuration: one YAML file, read in full, checked in full, and never changed afterwards. A reload
// makes another one; whoever still serves by the old one holds a reference to it. What each key means to a
// user: gitlatch(1).
#ifndef GITLATCH_CONFIG_H
#define GITLATCH_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <gitlatch/attr.h>
#include <gitlatch/git_host.h>
#include <gitlatch/github_host.h>

#include "address.h"
#include "bytes.h"
#include "credential_options.h"
#include "error.h"
#include "log.h"
#include "policy.h"

// Where it is looked for when neither `-c FILE` nor GITLATCH_CONFIG names it.
#define CONFIG_DEFAULT_PATH "/etc/gitlatch/gitlatch.yaml"

// The default of `admin`.
#define CONFIG_DEFAULT_ADMIN "127.0.0.1:9128"

// Strings in the order of the file.
struct text_list {
    char **items; // owned; NULL where count is 0
    size_t count;
};

// A literal address to listen on.
struct config_address {
    bool off;               // `off`: the rest is zero
    struct address address; // port 0: the kernel picks one
    char *text;             // as written, "127.0.0.1:3128"
};

enum listener_mode { LISTENER_PROXY, LISTENER_TRANSPARENT };

struct config_listener {
    struct config_address address;
    enum listener_mode mode;
    char *password_file; // NULL: no password; otherwise the gateway is closed on this address
};

// One entry of `connect_to`, as curl's --connect-to: an empty host or port 0 stands for any (from), for
// unchanged (to).
struct config_connect_to {
    char *from_host; // lower case
    uint16_t from_port;
    char *to_host;
    uint16_t to_port;
};

struct config_github {
    struct github_host host;
    char *trust; // PEM file with the roots for the upstream side
    struct config_connect_to *connect_to;
    size_t connect_to_count;
    char *web, *api, *default_owner; // as written; `host` is made from them
    struct rules rules;              // of `repositories`, those for this host (config_host_rules.h)
    int *rule_lines;
};

enum config_authorization { CONFIG_BASIC, CONFIG_BEARER };
enum config_pages { CONFIG_PAGES_ANONYMOUS, CONFIG_PAGES_DENY };

// A git host that is no GitHub.
struct config_host {
    struct git_host host;
    char *trust; // PEM file with the roots for the upstream side
    struct config_connect_to *connect_to;
    size_t connect_to_count;
    char *web, *user; // as written, like the next three; `host` is made from them
    unsigned type;    // among git_host_type_words, from GIT_HOST_GITLAB on
    enum config_authorization authorization;
    enum config_pages pages;
    struct rules rules;
    int *rule_lines;
};

// What both kinds of hosts have.
struct config_served {
    const struct git_host *host;
    const char *trust;
    const struct rules *rules; // those for this host
    const int *rule_lines;
    const struct config_connect_to *connect_to;
    size_t connect_to_count;
};

enum other_hosts_kind { OTHER_HOSTS_TUNNEL, OTHER_HOSTS_DENY, OTHER_HOSTS_ALLOW };

// What is done with a CONNECT to a host that is no GitHub.
struct other_hosts {
    enum other_hosts_kind kind;
    struct text_list allow; // OTHER_HOSTS_ALLOW: lower case; names, "*.example.com", and OTHER_HOSTS_GITHUB_OBJECTS
};

// Stands in `allow` for codeload., lfs.github.com, *.githubusercontent.com, github-cloud.s3.amazonaws.com.
#define OTHER_HOSTS_GITHUB_OBJECTS "@github-objects"

// Times in milliseconds, sizes in bytes.
struct config_limits {
    uint64_t connections;
    uint64_t per_client; // most of one address
    uint64_t memory;
    uint64_t header;
    int64_t idle_ms;
    int64_t tunnel_idle_ms;
    int64_t connect_ms;
    int64_t head_ms;
    int64_t token_ms;
    int64_t drain_ms;
};

// The audience of callers that will hold the token themselves (see `broker.grants`).
#define CONFIG_AUDIENCE_CREDENTIAL "gitlatch-credential"

// What a claim of a token must be: a pattern, where * stays within a segment of /.
struct config_claim {
    char *name; // "ref", or "a.b" for b within a
    char *pattern;
};

struct config_claims {
    struct config_claim *items; // owned; NULL where count is 0
    size_t count;
};

// An issuer of OpenID Connect tokens, by which callers of the broker prove themselves.
struct config_issuer {
    char *name;   // by which grants name it
    char *issuer; // the `iss` of its tokens
    char *audience;
    char *jwks, *jwks_file; // where its keys are; NULL both: found by discovery
    char *trust;            // PEM file with the roots for fetching them
};

// What one caller, or one kind of callers, may ask the broker for. What it names must all be proven: a service account of
// the cluster or an issuer's token, a certificate, or both.
struct config_grant {
    char *audience;
    char *namespace;
    char *service_account;
    char *issuer; // the name of a config_issuer
    struct config_claims claims;
    char *certificate; // pattern
    struct rules rules;
    int *rule_lines;
};

// The `broker` section, for `gitlatch broker`.
struct config_broker {
    bool present;
    struct config_address listen;
    char *certificate, *key; // PEM files
    struct config_address admin_listen;
    char *admin_token; // file; NULL: the platform endpoint is closed
    struct config_address admission_listen;
    char *admission_sidecar; // file; NULL: there is no webhook
    uint64_t replicas;
    char *audience;
    char *kubernetes_api, *kubernetes_token_file, *kubernetes_ca; // NULL: the cluster's own
    struct config_issuer *issuers;
    size_t issuer_count;
    char *clients_ca; // PEM file by which callers' certificates are verified; NULL: none is asked for
    struct config_grant *grants;
    size_t grant_count;
};

// The issuer that a grant names; NULL: there is none.
const struct config_issuer *config_issuer_find(const struct config_broker *broker, const char *name);
// Whether it is for a caller that will hold the token itself, where no proxy enforces the rules.
bool config_grant_is_for_holder(const struct config_grant *grant);

// The `signing` section: who signs the workspace's commits.
struct config_signing {
    char *key;      // an OpenSSH private-key file; beside a command the file of its public key, or NULL
    char **command; // ends with NULL; NULL: the key signs, or nothing is signed
};

// Whether commits are signed at all.
bool config_signing_present(const struct config_signing *signing);

struct config {
    char *path; // of the file, for messages and for watching it; NULL: there is none

    struct config_listener *listeners; // at least one
    size_t listener_count;
    struct text_list gateway_hosts; // lower case
    bool reuse_port;
    struct config_address admin;
    struct config_address metrics;

    char *ca_state; // directory; NULL: the CA lives in memory alone
    char *ca_publish;
    struct text_list ca_roots;

    struct config_github *githubs; // at least one
    size_t github_count;
    struct config_host *hosts; // other git hosts
    size_t host_count;

    char *upstream_proxy;             // "http://user@proxy.corp:3128"; NULL: direct
    char *upstream_password_file;     // of its user; NULL: none
    struct secret *upstream_password; // the same, where the caller's environment held it (`gitlatch run`); NULL: none
    char *upstream_trust;             // roots of an https:// proxy
    struct text_list upstream_no_proxy;
    int64_t keep_capabilities_ms; // 0: not kept

    struct credential_options *credentials; // in the order in which they are tried
    size_t credential_count;
    int64_t token_refresh_before_ms;
    int64_t token_minimum_life_ms;
    bool token_ahead;

    struct rules rules;
    int *rule_lines; // line in the file of each of `rules`
    bool deny_private_addresses;
    struct other_hosts other_hosts;
    bool enforce;

    struct config_limits limits;
    struct config_signing signing;

    enum log_level log_level;
    enum log_format log_format;
    char *audit; // "stdout", "none" or a file

    struct config_broker broker;

    unsigned references; // config.c's own
};

// What the configuration is for; this decides which keys must be there.
enum config_use {
    CONFIG_FOR_PROXY,  // `credentials` must name at least one
    CONFIG_FOR_RUN,    // `credentials` may be absent: they are taken from the environment or gh
    CONFIG_FOR_BROKER, // `broker` must be there, and where there are `credentials`, one of type app
    CONFIG_FOR_CHECK,  // the broker's where `broker` is there, else the proxy's
};

// Reads and checks a file. The error is "FILE:LINE: key: what is wrong and how to mend it". The caller owns
// one reference.
bool config_load(const char *path, enum config_use use, struct config **ret_config, struct error *ret_error)
    GL_MUST_CHECK;
// The same from memory; `path` is for messages and may be NULL.
bool config_parse(struct bytes text, const char *path, enum config_use use, struct config **ret_config,
                  struct error *ret_error) GL_MUST_CHECK;

// The `admin` address of a file, whatever else is in it: a probe must not fail because of an edit that the
// running proxy refused. Fails where it is `off`.
bool config_load_admin(const char *path, struct address *ret_address, struct error *ret_error) GL_MUST_CHECK;
// "127.0.0.1:3128", "[::1]:3128".
bool config_parse_address(const char *text, struct address *ret_address) GL_MUST_CHECK;

// All hosts whose TLS ends here: first the GitHubs, then the others.
size_t config_served_count(const struct config *config);
struct config_served config_served(const struct config *config, size_t index);
// The host of this name ("github.com", "git.corp.example:8443", case aside); its index, or `config_served_count`: none.
size_t config_served_find(const struct config *config, struct bytes web);

struct config *config_ref(struct config *config);
void config_unref(struct config *config); // NULL: nothing

#endif
