#include "config_broker.h"

#include <stdio.h>
#include <string.h>

#include "glob.h"
#include "known_issuer.h"
#include "setting_claims.h"
#include "rule_match.h"
#include "setting_rules.h"
#include "web_url.h"

#define SYSTEM_ROOTS "/etc/ssl/certs/ca-certificates.crt"
// "broker.grants[10000].certificate"
#define KEY_TEXT_SIZE 64

#define ROW(structure, key, type, member, fallback, detail, text)                                                      \
    {                                                                                                                  \
        key, &(type), offsetof(struct structure, member), fallback, detail, text                                       \
    }

static const enum web_url_kind tls_url = WEB_URL_TLS;

// broker.issuers

static const struct setting issuer_rows[] = {
    ROW(config_issuer, "audience", setting_string, audience, "gitlatch", NULL,
        "that tokens must be for; one for " CONFIG_AUDIENCE_CREDENTIAL
        " is of a caller that will hold what it is given"),
    ROW(config_issuer, "issuer", setting_string, issuer, NULL, NULL,
        "the `iss` of its tokens, exactly; an https:// URL where its keys are found by discovery"),
    ROW(config_issuer, "jwks", setting_web_url, jwks, NULL, &tls_url, "the URL of its key set, instead of discovery"),
    ROW(config_issuer, "jwks_file", setting_file, jwks_file, NULL, NULL,
        "a file with its key set, instead of both; read again when it changes"),
    ROW(config_issuer, "name", setting_string, name, NULL, NULL, "by which grants name it"),
    ROW(config_issuer, "trust", setting_file, trust, SYSTEM_ROOTS, NULL,
        "the certificates that its key set's server is trusted by"),
};

static bool finish_issuer(struct yaml_reader *reader, const yaml_node_t *node, void *entry)
{
    const struct config_issuer *issuer = entry;
    struct error problem;

    if (!issuer->name || !issuer->issuer)
        return yaml_reader_refuse(reader, node, "needs a `name` and the `issuer` of its tokens");
    if (issuer->jwks && issuer->jwks_file)
        return yaml_reader_refuse(reader, node, "has both `jwks` and `jwks_file`; keep one");
    if (!issuer->jwks && !issuer->jwks_file && !web_url_check(bytes_of_string(issuer->issuer), &tls_url, &problem))
        return yaml_reader_refuse_key(
            reader, "issuer", "%s; or name `jwks` or `jwks_file`, and its keys need no discovery", problem.text);
    return true;
}

const struct setting_entries config_broker_issuers = {
    .table = SETTING_TABLE(issuer_rows),
    .size = sizeof(struct config_issuer),
    .count = offsetof(struct config, broker.issuer_count),
    .expected = "a list of issuers",
    .finish = finish_issuer,
};

// broker.grants

static const struct setting_entries grant_rules = SETTING_RULES(struct config_grant, rules, rule_lines);

static const struct setting grant_rows[] = {
    ROW(config_grant, "audience", setting_string, audience, "gitlatch", NULL,
        "gitlatch: a sidecar, which enforces refs; gitlatch-credential: a caller that will hold the token"),
    ROW(config_grant, "certificate", setting_string, certificate, NULL, NULL,
        "the caller's SPIFFE id, or a DNS name or the subject (CN=…) of its certificate; a pattern"),
    ROW(config_grant, "claims", setting_claims, claims, NULL, NULL,
        "of the issuer's token, a pattern each; `a.b` is claim b within a"),
    ROW(config_grant, "issuer", setting_string, issuer, NULL, NULL, "the name of an entry of `issuers`"),
    ROW(config_grant, "namespace", setting_string, namespace, NULL, NULL, "of the caller"),
    ROW(config_grant, "repositories", setting_list, rules.rules, NULL, &grant_rules,
        "rules, as the top-level `repositories`"),
    ROW(config_grant, "service_account", setting_string, service_account, NULL, NULL, "of the caller"),
};

static bool finish_grant(struct yaml_reader *reader, const yaml_node_t *node, void *entry)
{
    struct config_grant *grant = entry;
    bool account = grant->namespace || grant->service_account;

    grant->rules.present = true;
    if (account && (!grant->namespace || !grant->service_account))
        return yaml_reader_refuse(reader, node, "must name the `namespace` and `service_account` it is for");
    if (!account && !grant->issuer && !grant->certificate)
        return yaml_reader_refuse(
            reader, node,
            "must say who it is for: `namespace` and `service_account`, `issuer` and `claims`, or "
            "`certificate`");
    if (account && grant->issuer)
        return yaml_reader_refuse(reader, node,
                                  "names both a `service_account` of the cluster and an `issuer`; keep one");
    if (grant->claims.count > 0 && !grant->issuer)
        return yaml_reader_refuse_key(reader, "claims", "needs the `issuer` whose token holds them");
    if (grant->certificate && strlen(grant->certificate) > GLOB_SIZE_MAX)
        return yaml_reader_refuse_key(reader, "certificate", "has more than %d bytes", GLOB_SIZE_MAX);
    for (size_t i = 0; i < grant->rules.count; i++) {
        struct bytes web, pattern;

        if (rule_match_split(grant->rules.rules[i].match, &web, &pattern))
            return yaml_reader_refuse_key(reader, "repositories",
                                          "names a host in \"%s\"; a grant is for a GitHub's repositories: owner/name",
                                          grant->rules.rules[i].match);
    }
    if (!grant->rules.rules)
        return yaml_reader_refuse(reader, node, "has no `repositories`; a grant without rules grants nothing");
    return true;
}

const struct setting_entries config_broker_grants = {
    .table = SETTING_TABLE(grant_rows),
    .size = sizeof(struct config_grant),
    .count = offsetof(struct config, broker.grant_count),
    .expected = "a list of grants",
    .finish = finish_grant,
};

// Across keys.

const struct config_issuer *config_issuer_find(const struct config_broker *broker, const char *name)
{
    for (size_t i = 0; i < broker->issuer_count; i++) {
        if (strcmp(broker->issuers[i].name, name) == 0)
            return &broker->issuers[i];
    }
    return NULL;
}

bool config_grant_is_for_holder(const struct config_grant *grant)
{
    return strcmp(grant->audience, CONFIG_AUDIENCE_CREDENTIAL) == 0;
}

static bool check_issuers(const struct config_broker *broker, struct yaml_reader *reader)
{
    char key[KEY_TEXT_SIZE];

    for (size_t i = 0; i < broker->issuer_count; i++) {
        if (config_issuer_find(broker, broker->issuers[i].name) == &broker->issuers[i])
            continue;
        snprintf(key, sizeof(key), "broker.issuers[%zu].name", i);
        return yaml_reader_refuse_key(reader, key, "is \"%s\" a second time; give each its own",
                                      broker->issuers[i].name);
    }
    return true;
}

// A certificate has no audience: its grant says itself what the caller is.
static bool check_audience(const struct config_broker *broker, const struct config_grant *grant, const char *entry,
                           struct yaml_reader *reader)
{
    const struct config_issuer *issuer = grant->issuer ? config_issuer_find(broker, grant->issuer) : NULL;
    const char *audience = issuer ? issuer->audience : grant->namespace ? broker->audience : "gitlatch";
    char key[KEY_TEXT_SIZE];

    // The default stands for whatever the issuer's audience is.
    if (strcmp(grant->audience, audience) == 0 || config_grant_is_for_holder(grant) ||
        (!grant->namespace && strcmp(grant->audience, "gitlatch") == 0))
        return true;
    snprintf(key, sizeof(key), "%s.audience", entry);
    return yaml_reader_refuse_key(reader, key, "must be \"%s\" or \"" CONFIG_AUDIENCE_CREDENTIAL "\", not \"%s\"",
                                  audience, grant->audience);
}

static bool check_proof(const struct config_broker *broker, const struct config_grant *grant, const char *entry,
                        struct yaml_reader *reader)
{
    const struct config_issuer *issuer = grant->issuer ? config_issuer_find(broker, grant->issuer) : NULL;
    char key[KEY_TEXT_SIZE];
    struct error problem;

    if (grant->issuer && !issuer) {
        snprintf(key, sizeof(key), "%s.issuer", entry);
        return yaml_reader_refuse_key(reader, key, "is \"%s\", which `broker.issuers` does not name", grant->issuer);
    }
    if (grant->certificate && !broker->clients_ca) {
        snprintf(key, sizeof(key), "%s.certificate", entry);
        return yaml_reader_refuse_key(reader, key, "needs `broker.clients.ca`, the CA of the callers' certificates");
    }
    if (issuer && !known_issuer_binds(issuer->issuer, &grant->claims, &problem)) {
        snprintf(key, sizeof(key), "%s%s", entry, grant->claims.count > 0 ? ".claims" : "");
        return yaml_reader_refuse_key(reader, key, "%s", problem.text);
    }
    return true;
}

bool config_broker_check(const struct config_broker *broker, struct yaml_reader *reader)
{
    char entry[KEY_TEXT_SIZE - 16];

    if (!check_issuers(broker, reader))
        return false;
    for (size_t i = 0; i < broker->grant_count; i++) {
        snprintf(entry, sizeof(entry), "broker.grants[%zu]", i);
        if (!check_proof(broker, &broker->grants[i], entry, reader) ||
            !check_audience(broker, &broker->grants[i], entry, reader))
            return false;
    }
    return true;
}
