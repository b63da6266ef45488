#include "host_trial.h"

#include <string.h>

#include "authorization.h"
#include "git_host_kind.h"
#include "http_client.h"
#include "loop.h"
#include "mem.h"
#include "rule_match.h"
#include "secret.h"
#include "text.h"

#define CALL_TIMEOUT_MS (30 * SECOND_MS)

struct host_trial {
    struct runtime *runtime;
    struct host_trial_callbacks callbacks;
    struct http_client *client;
    size_t at; // the host that is tried, among those of the runtime
    struct scope scope;
    struct deferred step;
};

static const struct runtime_host *host_of(const struct host_trial *trial)
{
    return &trial->runtime->hosts[trial->at];
}

static void next(struct host_trial *trial, bool ok, const char *text)
{
    trial->callbacks.line(trial->callbacks.arg, ok, host_of(trial)->git->web, text);
    trial->at++;
    loop_defer(trial->runtime->egress.dialer.loop, &trial->step);
}

static bool has_credential(const struct config *config, const struct git_host *host)
{
    for (size_t i = 0; i < config->credential_count; i++)
        if (config->credentials[i].host && strcmp(config->credentials[i].host, host->web) == 0)
            return true;
    return false;
}

// The first repository that a rule names, as rules write it; empty: none.
static struct bytes named_repository(const struct rules *rules)
{
    struct bytes web, pattern;

    for (size_t i = 0; i < rules->count; i++) {
        rule_match_split(rules->rules[i].match, &web, &pattern);
        if (rules->rules[i].fetch && !bytes_contain(pattern, BYTES("*")))
            return pattern;
    }
    return BYTES("");
}

static char *refs_url(const struct git_host *host, struct bytes name)
{
    const struct git_host_kind *kind = git_host_kind(host->type);
    struct text url = {0};
    char *copy;

    text_format(&url, "https://%s/%s", host->web, kind->front ? kind->front : "");
    for (size_t i = 0; i < name.size; i++) {
        if (name.data[i] == ' ')
            text_append(&url, "%20");
        else
            text_append_char(&url, name.data[i]);
    }
    text_format(&url, "%s/info/refs?service=git-upload-pack", kind->bare_names ? "" : ".git");
    copy = mem_string(text_string(&url));
    text_free(&url);
    return copy;
}

// A page to sign in at is answered with 200, too (gitprotocol-http(5), gitprotocol-v2(5)).
static bool is_advertisement(struct bytes body)
{
    return bytes_contain(body, BYTES("# service=git-upload-pack\n")) || bytes_contain(body, BYTES("version 2\n"));
}

static void on_refs(void *arg, const struct http_answer *answer)
{
    struct host_trial *trial = arg;
    struct bytes name = named_repository(host_of(trial)->rules);
    bool ok = answer->status == 200 && is_advertisement(answer->body);
    char *text;

    if (answer->result != HTTP_ANSWERED)
        text = mem_string(answer->problem);
    else if (ok)
        text = mem_format("takes the credential: %.*s can be fetched", (int)name.size, name.data);
    else if (answer->status == 401 || answer->status == 403)
        text =
            mem_format("does not take the credential (%d): renew it, or see `user` and `authorization` under `hosts`",
                       answer->status);
    else
        text = mem_format("answers %d for %.*s: look at the rule's name, and at what the credential may see",
                          answer->status, (int)name.size, name.data);
    next(trial, ok, text);
    mem_free(text);
}

static void on_token(void *arg, struct token *token, const struct verdict *verdict)
{
    struct host_trial *trial = arg;
    const struct runtime_host *host = host_of(trial);
    struct secret *value;
    char *url, *field;

    if (!token) {
        next(trial, false, verdict->sentence);
        return;
    }
    value = authorization_new(host->git, AUTHORIZATION_BASIC, token->value);
    field = mem_format("Authorization: %.*s", (int)secret_bytes(value).size, secret_bytes(value).data);
    url = refs_url(host->git, named_repository(host->rules));
    const char *const headers[] = {field, "Git-Protocol: version=2", NULL};
    struct http_call call = {
        .method = "GET",
        .url = url,
        .headers = headers,
        .absolute = true,
        .tls = host->tls,
        .timeout_ms = CALL_TIMEOUT_MS,
    };
    struct http_transport *transport = http_client_transport(trial->client);

    // It ends by itself, at the latest by its timeout.
    if (!transport->ask(transport, &call, on_refs, trial))
        next(trial, false, "cannot be asked");
    mem_wiping_free(field);
    mem_free(url);
    secret_unref(value);
}

static void on_trial_step(void *arg)
{
    struct host_trial *trial = arg;
    struct host_trial_callbacks callbacks = trial->callbacks;
    const struct runtime_host *host;

    while (trial->at < trial->runtime->host_count && git_host_is_github(host_of(trial)->git))
        trial->at++;
    if (trial->at == trial->runtime->host_count) {
        http_client_free(trial->client);
        mem_free(trial);
        callbacks.done(callbacks.arg);
        return;
    }
    host = host_of(trial);
    if (!has_credential(trial->runtime->config, host->git)) {
        next(trial, true, "has no credential: it is reached anonymously");
        return;
    }
    if (named_repository(host->rules).size == 0) {
        next(trial, true, "no rule without a pattern allows to fetch there: its credential was not tried");
        return;
    }
    trial->scope = (struct scope){.host = host->git, .reach = SCOPE_REPOSITORY, .use = SCOPE_USE_GIT, .ruled = true};
    if (!token_service_ask(trial->runtime->tokens, &trial->scope, on_token, trial))
        next(trial, false, "its credential cannot be asked for");
}

void host_trial_start(struct runtime *runtime, struct loop *loop, const struct host_trial_callbacks *callbacks)
{
    struct host_trial *trial = mem_alloc_zero(1, sizeof(*trial));
    struct error error;

    trial->runtime = runtime;
    trial->callbacks = *callbacks;
    trial->client = http_client_new(&runtime->egress.dialer, &error);
    if (!trial->client)
        trial->at = runtime->host_count; // curl cannot be set up: nothing is tried
    deferred_init(&trial->step, on_trial_step, trial);
    loop_defer(loop, &trial->step);
}
