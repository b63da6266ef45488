#include "config_hosts.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "git_host_kind.h"
#include "mem.h"
#include "rule_match.h"
#include "setting_hosts.h"
#include "text.h"

#define SYSTEM_ROOTS "/etc/ssl/certs/ca-certificates.crt"

// "repositories[9999].permissions"
#define KEY_TEXT_SIZE 64

#define ROW(key, type, member, fallback, detail, text)                                                                 \
    {                                                                                                                  \
        key, &(type), offsetof(struct config_host, member), fallback, detail, text                                     \
    }

static const char *const authorization_words[] = {"basic", "bearer", NULL};
static const char *const pages_words[] = {"anonymous", "deny", NULL};
static const size_t connect_to_count = offsetof(struct config_host, connect_to_count);

static const struct setting rows[] = {
    ROW("authorization", setting_word, authorization, "basic", authorization_words,
        "bearer: the credential is sent as a Bearer token; for bitbucket-server that is so where no `user` is named"),
    ROW("connect_to", setting_connect_to, connect_to, NULL, &connect_to_count,
        "as that of `github`, for this host: loopback is allowed"),
    ROW("host", setting_string, web, NULL, NULL, "its name; a port may follow: git.corp.example:8443"),
    ROW("pages", setting_word, pages, "anonymous", pages_words,
        "everything else on that host, its API too: anonymous: no credential is attached, the client's own is removed"),
    ROW("trust", setting_file, trust, SYSTEM_ROOTS, NULL, "PEM file with the roots to trust"),
    ROW("type", setting_word, type, NULL, &git_host_type_words[GIT_HOST_GITLAB], "what it runs; git: anything else"),
    ROW("user", setting_string, user, NULL, NULL,
        "of the Basic credential; absent: oauth2 (gitlab, gitea), x-token-auth (bitbucket), none (azure-devops), git"),
};

static bool finish(struct yaml_reader *reader, const yaml_node_t *node, void *entry)
{
    struct config_host *host = entry;
    struct error problem;

    if (!host->web)
        return yaml_reader_refuse(reader, node, "has no `host`, such as gitlab.corp.example");
    if (!yaml_reader_child(reader, node, "type"))
        return yaml_reader_refuse(reader, node,
                                  "has no `type`: gitlab, gitea, bitbucket, bitbucket-server, "
                                  "azure-devops, gerrit or git");
    if (host->user && host->authorization == CONFIG_BEARER)
        return yaml_reader_refuse_key(reader, "user",
                                      "is of a Basic credential; remove it, or `authorization: bearer`");
    if (host->user && (strchr(host->user, ':') || strpbrk(host->user, "\r\n")))
        return yaml_reader_refuse_key(reader, "user", "holds a colon or a line end, which no user of Basic can");
    return git_host_init(&host->host, GIT_HOST_GITLAB + host->type, host->web, host->user,
                         host->authorization == CONFIG_BEARER, host->pages == CONFIG_PAGES_DENY, &problem) ||
           yaml_reader_refuse_key(reader, "host", "%s", problem.text);
}

static void discard(void *entry)
{
    git_host_clear(&((struct config_host *)entry)->host);
}

const struct setting_entries config_hosts = {
    .table = SETTING_TABLE(rows),
    .size = sizeof(struct config_host),
    .count = offsetof(struct config, host_count),
    .expected = "a list of git hosts",
    .finish = finish,
    .discard = discard,
};

static bool is_github_name(const struct config *config, const char *name)
{
    enum github_endpoint endpoint;

    for (size_t i = 0; i < config->github_count; i++)
        if (github_host_endpoint(&config->githubs[i].host, bytes_of_string(name), &endpoint))
            return true;
    return false;
}

bool config_hosts_check(const struct config *config, struct yaml_reader *reader)
{
    char key[KEY_TEXT_SIZE];

    for (size_t i = 0; i < config->host_count; i++) {
        const struct git_host *host = &config->hosts[i].host;

        snprintf(key, sizeof(key), "hosts[%zu].host", i);
        if (is_github_name(config, host->name))
            return yaml_reader_refuse_key(reader, key, "is \"%s\", which `github` names; remove it here", host->name);
        if (config_served_find(config, bytes_of_string(host->web)) != config->github_count + i)
            return yaml_reader_refuse_key(reader, key, "names %s a second time; keep one", host->web);
    }
    return true;
}

// Which rules are for which host.

// The default port may be written.
static size_t find_served(const struct config *config, struct bytes web)
{
    web.size -= bytes_end_with(web, BYTES(":443")) ? BYTES(":443").size : 0;
    return config_served_find(config, web);
}

static bool GL_PRINTF(4, 5)
    refuse_rule(struct yaml_reader *reader, size_t index, const char *member, const char *format, ...)
{
    char key[KEY_TEXT_SIZE];
    struct text sentence = {0};
    va_list arguments;

    snprintf(key, sizeof(key), "repositories[%zu].%s", index, member);
    va_start(arguments, format);
    text_format_list(&sentence, format, arguments);
    va_end(arguments);
    yaml_reader_refuse_key(reader, key, "%s", text_string(&sentence));
    text_free(&sentence);
    return false;
}

// The index of the host that a rule names; `ret_named` false: it names none, and is for every GitHub.
static bool find_host(const struct config *config, size_t index, struct yaml_reader *reader, size_t *ret_host,
                      bool *ret_named)
{
    const struct rule *rule = &config->rules.rules[index];
    struct bytes web, pattern;

    *ret_host = 0;
    *ret_named = rule_match_split(rule->match, &web, &pattern);
    if (!*ret_named)
        return true;
    *ret_host = find_served(config, web);
    return *ret_host < config_served_count(config) ||
           refuse_rule(reader, index, "match", "\"%s\" begins with a host that neither `github` nor `hosts` names",
                       rule->match);
}

static bool check_rule(const struct config *config, size_t index, const struct git_host *host,
                       struct yaml_reader *reader)
{
    const struct rule *rule = &config->rules.rules[index];
    struct error problem;

    if (git_host_is_github(host))
        return rule_check_github(rule, &problem) ||
               refuse_rule(reader, index, "match", "%s", strchr(problem.text, '`'));
    if (rule->permissions.count > 0)
        return refuse_rule(reader, index, "permissions", "only a GitHub can honour them, not the host of %s",
                           rule->match);
    if (rule->paths.patterns)
        return refuse_rule(reader, index, "paths", "only a GitHub can honour them, not the host of %s", rule->match);
    return !rule->graphql ||
           refuse_rule(reader, index, "graphql", "only a GitHub can honour it, not the host of %s", rule->match);
}

static void add_rule(struct rules *rules, int **lines, const struct config *config, size_t index)
{
    rules->rules[rules->count] = config->rules.rules[index];
    (*lines)[rules->count++] = config->rule_lines[index];
}

static bool gives_rules(const struct config *config)
{
    for (size_t i = 0; i < config->credential_count; i++)
        if (credential_gives_rules(config->credentials[i].type))
            return true;
    return false;
}

// Room for all rules, of which none is there yet. Where a broker's grant is all the rules that there are, it says nothing
// of hosts that are no GitHub: no rule allows anything there.
static void prepare(struct rules *rules, int **lines, const struct config *config, bool github)
{
    *rules = (struct rules){
        .present = config->rules.present || (!github && gives_rules(config)),
        .rules = config->rules.count ? mem_alloc_zero(config->rules.count, sizeof(*rules->rules)) : NULL,
        .other = config->rules.other,
    };
    *lines = config->rules.count ? mem_alloc_zero(config->rules.count, sizeof(**lines)) : NULL;
}

void config_hosts_name_credentials(struct config *config)
{
    for (size_t i = 0; i < config->credential_count; i++) {
        char *name = config->credentials[i].host;
        struct bytes web = bytes_of_string(name);
        size_t at;

        if (!name)
            continue;
        at = find_served(config, web);
        if (at < config_served_count(config))
            setting_set_string(&config->credentials[i].host, bytes_of_string(config_served(config, at).host->web));
    }
}

bool config_hosts_share_rules(struct config *config, struct yaml_reader *reader)
{
    for (size_t i = 0; i < config->github_count; i++)
        prepare(&config->githubs[i].rules, &config->githubs[i].rule_lines, config, true);
    for (size_t i = 0; i < config->host_count; i++) {
        prepare(&config->hosts[i].rules, &config->hosts[i].rule_lines, config, false);
        config->hosts[i].rules.exact_case = git_host_kind(config->hosts[i].host.type)->exact_case;
    }
    for (size_t i = 0; i < config->rules.count; i++) {
        bool named;
        size_t at;

        if (!find_host(config, i, reader, &at, &named) ||
            !check_rule(config, i, config_served(config, at).host, reader))
            return false;
        for (size_t n = 0; n < config->github_count; n++)
            if (!named || n == at)
                add_rule(&config->githubs[n].rules, &config->githubs[n].rule_lines, config, i);
        if (at >= config->github_count)
            add_rule(&config->hosts[at - config->github_count].rules,
                     &config->hosts[at - config->github_count].rule_lines, config, i);
    }
    return true;
}

// The rules are copies of `repositories`, which owns what they hold.
void config_hosts_clear_rules(struct config *config)
{
    for (size_t i = 0; i < config->github_count; i++) {
        mem_free(config->githubs[i].rules.rules);
        mem_free(config->githubs[i].rule_lines);
    }
    for (size_t i = 0; i < config->host_count; i++) {
        mem_free(config->hosts[i].rules.rules);
        mem_free(config->hosts[i].rule_lines);
    }
}
