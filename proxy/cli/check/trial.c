#include "trial.h"

#include <signal.h>
#include <string.h>
#include <sys/queue.h>

#include "broker_trial.h"
#include "config_spawner.h"
#include "github_answer.h"
#include "issuer_trial.h"
#include "host_trial.h"
#include "loop.h"
#include "mem.h"
#include "metrics.h"
#include "operator_remedy.h"
#include "rule_grant.h"
#include "rule_set.h"
#include "rule_trial.h"
#include "runtime.h"
#include "secret.h"
#include "stream.h"
#include "text.h"
#include "tls_client.h"

#define HTTPS_PORT    443
#define DEFAULT_ROOTS "/etc/ssl/certs/ca-certificates.crt"

// An owner at a GitHub for whom an App gives the tokens.
struct trial_owner {
    STAILQ_ENTRY(trial_owner) link;
    const struct github_host *host;
    char name[OWNER_NAME_SIZE];
    bool reported; // that rules ask for more than it granted
};

struct trial {
    struct config *config;
    struct findings *findings;
    struct spawner *spawner;
    struct loop *loop;
    struct metrics *metrics;
    struct runtime *runtime;
    const char **names; // of all hosts
    size_t name_count;
    size_t name; // the one being dialled
    STAILQ_HEAD(, trial_owner) owners;
    const char *source; // whose grant is compared
    struct trial_owner *compared;
    bool rules_ok; // each that was tried
};

static void say(struct trial *trial, bool ok, const char *what, const char *text)
{
    finding_add(trial->findings, ok ? FINDING_OK : FINDING_WRONG, what, "%s", text);
}

// `mend` "": the text says it.
static void say_wrong(struct trial *trial, const char *what, const char *text, const char *mend)
{
    finding_add(trial->findings, FINDING_WRONG, what, "%s%s%s", text, *mend ? FINDING_MEND : "", mend);
}

// The hosts.

static void dial_next(struct trial *trial);

// A line names its host, as most sentences of a dial do.
static const char *without_host(const char *sentence, const char *host)
{
    size_t size = strlen(host);

    return strncmp(sentence, host, size) == 0 && strncmp(sentence + size, ": ", 2) == 0 ? sentence + size + 2
                                                                                        : sentence;
}

static void on_dialled(void *arg, struct stream *stream, const struct verdict *verdict)
{
    struct trial *trial = arg;
    // Said once, and where it is the likely mistake: a network whose way out is a proxy resolves no foreign name.
    bool stuck =
        !stream && trial->name == 0 && verdict->reason == REASON_UPSTREAM_UNREACHABLE && !trial->config->upstream_proxy;
    const char *name = trial->names[trial->name];

    if (stream)
        say(trial, true, name, "reached, and its certificate is trusted");
    else
        say_wrong(trial, name, without_host(verdict->sentence, name),
                  stuck ? "where a proxy is the way out, name it in `upstream.proxy`"
                        : operator_remedy(verdict->reason));
    stream_free(stream);
    trial->name++;
    dial_next(trial);
}

static void on_host_line(void *arg, bool ok, const char *host, const char *text)
{
    say(arg, ok, host, text);
}

static void on_hosts_tried(void *arg)
{
    struct trial *trial = arg;

    loop_stop(trial->loop);
}

static void dial_next(struct trial *trial)
{
    struct dial_request request = {.port = HTTPS_PORT, .absolute = true};
    enum github_endpoint endpoint;
    struct host_name host;

    if (trial->name == trial->name_count) {
        struct host_trial_callbacks callbacks = {trial, on_host_line, on_hosts_tried};

        host_trial_start(trial->runtime, trial->loop, &callbacks);
        return;
    }
    request.host = trial->names[trial->name];
    // The names are of a configuration that was checked: each parses, and belongs to one of its hosts.
    if (!host_name_parse(bytes_of_string(request.host), &host) ||
        !runtime_find_port(trial->runtime, &host, &request.port))
        return;
    request.tls = runtime_find_host(trial->runtime, &host, request.port, &endpoint)->tls;
    // It ends by itself, at the latest by `limits.connect`.
    if (!dial_start(&trial->runtime->egress.dialer, &request, on_dialled, trial))
        loop_stop(trial->loop);
}

// The credentials.

static void on_token_line(void *arg, const struct token_test_line *line)
{
    if (line->ok)
        say(arg, true, line->source, line->text);
    else
        say_wrong(arg, line->source, line->text, operator_remedy(line->reason));
}

static void on_lack(void *arg, const char *text)
{
    struct trial *trial = arg;

    trial->compared->reported = true;
    say(trial, false, trial->source, text);
}

static const struct trial_owner *find_owner(const struct trial *trial, const struct github_host *host, const char *name)
{
    const struct trial_owner *owner;

    STAILQ_FOREACH(owner, &trial->owners, link) {
        if (owner->host == host && strcmp(owner->name, name) == 0)
            return owner;
    }
    return NULL;
}

static void on_grant(void *arg, const char *source, const struct github_host *host, const struct github_grant *grant)
{
    struct trial *trial = arg;
    const char *name = grant->installation.owner;
    const struct rules *rules;
    const int *lines;

    // An App before this one gives the owner's tokens: what it refuses is not asked of the next.
    if (find_owner(trial, host, name))
        return;
    struct trial_owner *owner = mem_alloc_zero(1, sizeof(*owner));
    owner->host = host;
    memcpy(owner->name, name, sizeof(owner->name));
    STAILQ_INSERT_TAIL(&trial->owners, owner, link);
    trial->source = source;
    trial->compared = owner;
    for (size_t n = 0; grant->readable && rule_trial_rules(trial->config, n, &rules, &lines); n++)
        rule_grant_compare(rules, lines, name, &grant->permissions, on_lack, trial);
}

// The rules.

static void on_rule_failed(void *arg, const struct rule_trial_failure *failure)
{
    struct trial *trial = arg;
    const struct verdict *verdict = failure->verdict;
    const struct trial_owner *owner = find_owner(trial, failure->host, failure->owner);
    struct text what = {0};

    trial->rules_ok = false;
    // What an installation was not granted was reported when that was compared, where it could be.
    if (verdict->reason == REASON_NOT_GRANTED && owner && owner->reported)
        return;
    text_format(&what, "rule %s", failure->match);
    if (failure->line)
        text_format(&what, " (line %d)", failure->line);
    say_wrong(trial, text_string(&what), verdict->sentence, operator_remedy(verdict->reason));
    text_free(&what);
}

static bool uses_graphql(const struct rules *rules)
{
    for (size_t i = 0; i < rules->count; i++) {
        if (rules->rules[i].graphql)
            return true;
    }
    return false;
}

// A GraphQL request says by `variables.owner`, or by the id of a repository that is known, whose it is; one that says
// neither goes to the one owner that the rules name.
static void try_graphql(struct trial *trial)
{
    const struct rules *rules = &trial->config->rules;
    const char *fallback = trial->config->githubs[0].host.default_owner;
    char owner[OWNER_NAME_SIZE];
    struct text text = {0};

    if (!uses_graphql(rules) || rule_set_owner(rules, RULE_SET_GRAPHQL, owner))
        return;
    text_append(&text,
                "`graphql: true` is said for several owners: a request that names neither `variables.owner` nor an id "
                "of a repository that was used before ");
    if (fallback)
        text_format(&text, "has the token of %s (`github.default_owner`)", fallback);
    else
        text_append(&text, "is refused; set `github.default_owner`, or start a gitlatch for each owner");
    say(trial, true, "graphql", text_string(&text));
    text_free(&text);
}

static void on_rules_tried(void *arg, size_t tried, size_t left_out)
{
    struct trial *trial = arg;
    struct text text = {0};

    text_format(&text, "%zu tried with a token for what %s", tried, tried == 1 ? "it names" : "they name");
    if (left_out)
        text_format(&text, ", %zu more left out", left_out);
    if (tried && (trial->rules_ok || left_out))
        say(trial, true, "rules", text_string(&text));
    text_free(&text);
    try_graphql(trial);
    dial_next(trial);
}

// Where a credential does not work, that is why the rules do not.
static void on_tokens_tested(void *arg, bool ok)
{
    struct trial *trial = arg;
    struct rule_trial_callbacks callbacks = {trial, on_rule_failed, on_rules_tried};

    if (ok)
        rule_trial_start(trial->config, trial->runtime->tokens, &callbacks, trial->loop);
    else
        dial_next(trial);
}

static void on_broker_line(void *arg, bool ok, const char *key, const char *text)
{
    say(arg, ok, key, text);
}

// The roots of each GitHub, each under its own key.
static bool try_roots(struct trial *trial)
{
    const struct config *config = trial->config;
    bool ok = true;

    for (size_t i = 0; i < config->github_count; i++) {
        struct error error;
        struct tls_client *tls = tls_client_new(config->githubs[i].trust, &error);
        char *key = config->github_count > 1 ? mem_format("github[%zu].trust", i) : mem_string("github.trust");

        if (!tls) {
            say_wrong(
                trial, key, error.text,
                "name the PEM file with the roots that GitHub's certificate is checked against, such as " DEFAULT_ROOTS);
        }
        ok &= tls != NULL;
        tls_client_unref(tls);
        mem_free(key);
    }
    return ok;
}

static bool start(struct trial *trial, struct error *ret_error)
{
    struct runtime_options options = {.config = trial->config, .quiet = true};

    trial->spawner = config_spawner_new(trial->config, ret_error);
    if (!trial->spawner)
        return false;
    secret_protect_process();
    signal(SIGPIPE, SIG_IGN);
    trial->loop = loop_new(clock_real());
    trial->metrics = metrics_new();
    spawner_attach(trial->spawner, trial->loop);
    options.loop = trial->loop;
    options.metrics = trial->metrics;
    options.spawner = trial->spawner;
    trial->runtime = runtime_new(&options, ret_error);
    return trial->runtime != NULL;
}

static void stop(struct trial *trial)
{
    struct trial_owner *owner;

    while ((owner = STAILQ_FIRST(&trial->owners))) {
        STAILQ_REMOVE_HEAD(&trial->owners, link);
        mem_free(owner);
    }
    mem_free(trial->names);
    runtime_unref(trial->runtime);
    if (trial->metrics)
        metrics_free(trial->metrics);
    if (trial->spawner)
        spawner_free(trial->spawner);
    if (trial->loop)
        loop_free(trial->loop);
}

void trial_run(struct config *config, struct findings *findings)
{
    struct trial trial = {.config = config, .findings = findings, .rules_ok = true};
    struct token_test_callbacks callbacks = {&trial, on_token_line, on_grant, on_tokens_tested};
    struct error error;

    STAILQ_INIT(&trial.owners);
    if (!try_roots(&trial))
        return;
    if (start(&trial, &error)) {
        if (config->broker.present) {
            broker_trial(trial.loop, config, on_broker_line, &trial);
            issuer_trial(trial.loop, &trial.runtime->egress.dialer, &config->broker, on_broker_line, &trial);
        }
        trial.names = runtime_intercepted_names(config, &trial.name_count);
        // Ends with on_tokens_tested, after which it is gone.
        if (token_service_test(trial.runtime->tokens, &callbacks))
            loop_run(trial.loop);
    } else {
        say(&trial, false, "credentials", error.text);
    }
    stop(&trial);
}
