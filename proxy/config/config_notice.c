#include "config_notice.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "glob.h"
#include "mem.h"
#include "text.h"

// An S3 bucket, and the only host of the kind that git-lfs is sent to for each object.
#define LFS_OBJECT_HOST "github-cloud.s3.amazonaws.com"

struct reporter {
    config_notice_fn *report;
    void *arg;
};

static void report(const struct reporter *reporter, const char *key, const char *why, const char *mend,
                   const char *what, ...) GL_PRINTF(5, 6);

static void report(const struct reporter *reporter, const char *key, const char *why, const char *mend,
                   const char *what, ...)
{
    struct config_notice notice = {.key = key, .why = why, .mend = mend};
    struct text text = {0};
    va_list values;

    va_start(values, what);
    text_format_list(&text, what, values);
    va_end(values);
    notice.what = text_string(&text);
    reporter->report(reporter->arg, &notice);
    text_free(&text);
}

// The addresses.

static void notice_listeners(const struct reporter *reporter, const struct config *config)
{
    for (size_t i = 0; i < config->listener_count; i++) {
        const struct config_listener *listener = &config->listeners[i];

        if (listener->password_file || address_kind(&listener->address.address) == ADDRESS_LOOPBACK)
            continue;
        report(reporter, "listen", "",
               listener->mode == LISTENER_TRANSPARENT ? "listen on 127.0.0.1, or let a firewall keep others from it"
                                                      : "listen on 127.0.0.1, or name a `password_file`",
               "whoever reaches %s in the network uses the credential, for `listen` asks for no password there",
               listener->address.text);
    }
}

static bool reaches_lfs_objects(const struct other_hosts *hosts)
{
    if (hosts->kind == OTHER_HOSTS_TUNNEL)
        return true;
    for (size_t i = 0; i < hosts->allow.count; i++) {
        const char *host = hosts->allow.items[i];

        if (strcmp(host, OTHER_HOSTS_GITHUB_OBJECTS) == 0 || strcmp(host, LFS_OBJECT_HOST) == 0 ||
            (host[0] == '*' && bytes_end_with(BYTES(LFS_OBJECT_HOST), bytes_of_string(host + 1))))
            return true;
    }
    return false;
}

// The credentials.

static void notice_mode(const struct reporter *reporter, const char *key, const char *path)
{
    struct stat status;

    if (!path || stat(path, &status) != 0 || !S_ISREG(status.st_mode) || !(status.st_mode & S_IROTH))
        return;
    char *mend = mem_format("chmod o-r %s (of a pod's secret: `defaultMode: 0440` and an `fsGroup`)", path);
    report(reporter, key, "every user of this machine has what it opens", mend,
           "%s can be read by everybody (mode %04o)", path, (unsigned)(status.st_mode & 07777));
    mem_free(mend);
}

static void notice_secrets(const struct reporter *reporter, const struct config *config)
{
    char key[64];

    for (size_t i = 0; i < config->credential_count; i++) {
        const struct credential_options *credential = &config->credentials[i];

        snprintf(key, sizeof(key), "credentials[%zu].private_key", i);
        notice_mode(reporter, key, credential->private_key);
        snprintf(key, sizeof(key), "credentials[%zu].path", i);
        notice_mode(reporter, key, credential->path);
        snprintf(key, sizeof(key), "credentials[%zu].key", i);
        notice_mode(reporter, key, credential->key);
    }
    for (size_t i = 0; i < config->listener_count; i++)
        notice_mode(reporter, "listen.password_file", config->listeners[i].password_file);
    notice_mode(reporter, "upstream.password_file", config->upstream_password_file);
    notice_mode(reporter, "signing.key", config->signing.command ? NULL : config->signing.key);
    notice_mode(reporter, "broker.tls.key", config->broker.key);
    notice_mode(reporter, "broker.admin_token", config->broker.admin_token);
}

static void notice_wide(const struct reporter *reporter, const struct config *config)
{
    for (size_t i = 0; i < config->credential_count; i++) {
        const struct credential_options *credential = &config->credentials[i];
        char key[64];

        if (credential_narrows(credential->type))
            continue;
        snprintf(key, sizeof(key), "credentials[%zu]", i);
        report(reporter, key,
               credential->wide_api && config->rules.present ? "with wide_api: true API calls can pass round the rules"
                                                             : "",
               "use a GitHub App (type app) where rules must hold at GitHub, too",
               "gives one wide token, which cannot be narrowed to a repository");
    }
}

// The rules.

// An earlier rule that matches all that this one matches. What is a `*` in the later pattern, only a `*` of the earlier
// one can match.
static const struct rule *find_hiding(const struct rules *rules, size_t index)
{
    for (size_t i = 0; i < index; i++) {
        struct bytes owner, name, later_owner, later_name;

        bytes_cut(bytes_of_string(rules->rules[i].match), '/', &owner, &name);
        bytes_cut(bytes_of_string(rules->rules[index].match), '/', &later_owner, &later_name);
        if (glob_match(owner, later_owner) && glob_match(name, later_name))
            return &rules->rules[i];
    }
    return NULL;
}

static void notice_hidden(const struct reporter *reporter, const char *key, const struct rules *rules, const int *lines)
{
    for (size_t i = 0; i < rules->count; i++) {
        const struct rule *hiding = find_hiding(rules, i);
        char line[32] = "", *mend;

        if (!hiding)
            continue;
        if (lines)
            snprintf(line, sizeof(line), " (line %d)", lines[i]);
        mend = lines ? mem_format("move it before line %d, or take it out", lines[hiding - rules->rules])
                     : mem_string("move it before that one, or take it out");
        report(reporter, key, "the first match decides", mend,
               "rule %s%s never decides, since rule %s matches all of it", rules->rules[i].match, line, hiding->match);
        mem_free(mend);
    }
}

static bool has_broker_rules(const struct config *config)
{
    for (size_t i = 0; i < config->credential_count; i++)
        if (credential_gives_rules(config->credentials[i].type))
            return true;
    return false;
}

static bool fetches(const struct config *config)
{
    for (size_t i = 0; i < config->rules.count; i++)
        if (config->rules.rules[i].fetch)
            return true;
    return !config->rules.present;
}

static void notice_rules(const struct reporter *reporter, const struct config *config)
{
    if (config->rules.present && config->rules.count == 0)
        report(reporter, "repositories", "no repository is reached with a credential",
               "write a rule, such as {match: OWNER/NAME, fetch: true}, or leave the key out",
               "is empty: it allows nothing");
    else if (!config->rules.present && !has_broker_rules(config) && !config->broker.present)
        report(reporter, "repositories", "",
               "write a rule for each repository, such as {match: OWNER/NAME, fetch: true}",
               "is absent: the workspace reaches whatever the credential reaches");
    notice_hidden(reporter, "repositories", &config->rules, config->rule_lines);
    for (size_t i = 0; i < config->broker.grant_count; i++)
        notice_hidden(reporter, "broker.grants", &config->broker.grants[i].rules, config->broker.grants[i].rule_lines);
    if (!config->enforce)
        report(reporter, "enforce", "", "set it to true once the audit log shows what is needed (`check --suggest`)",
               "is false: what the rules deny is only audited");
    if (!config->broker.present && fetches(config) && !reaches_lfs_objects(&config->other_hosts))
        report(reporter, "other_hosts", "git-lfs waits 36 s for each object, then fails",
               "write other_hosts: {allow: [\"" OTHER_HOSTS_GITHUB_OBJECTS "\"]}",
               "does not allow the hosts on which GitHub keeps Git LFS objects and release files");
}

void config_notices(const struct config *config, config_notice_fn *function, void *arg)
{
    const struct reporter reporter = {function, arg};

    if (!config->broker.present)
        notice_listeners(&reporter, config);
    notice_wide(&reporter, config);
    notice_secrets(&reporter, config);
    notice_rules(&reporter, config);
}
