#include "rule_trial.h"

#include <string.h>

#include "loop.h"
#include "mem.h"
#include "rule_match.h"
#include "rule_question.h"

struct rule_trial_item {
    struct rule_question question;
    const char *match; // the configuration's
    int line;
};

struct rule_trial {
    const struct config *config;
    struct token_service *tokens;
    struct rule_trial_callbacks callbacks;
    struct deferred step;
    struct rule_trial_item items[RULE_TRIAL_TOKENS_MAX];
    size_t count, left_out;
    size_t item, github;            // what is being asked
    size_t wide;                    // items for which a wide token came
    struct verdict verdict;         // of the GitHubs asked so far, the one that says most; REASON_NONE: none yet
    const struct github_host *host; // whose it is
};

bool rule_trial_rules(const struct config *config, size_t n, const struct rules **ret_rules, const int **ret_lines)
{
    if (n > config->broker.grant_count)
        return false;
    *ret_rules = n ? &config->broker.grants[n - 1].rules : &config->rules;
    *ret_lines = n ? config->broker.grants[n - 1].rule_lines : config->rule_lines;
    return true;
}

// A wide token comes whatever is asked for, so that it proves nothing.
static bool has_narrow_source(const struct config *config, const struct github_host *host)
{
    for (size_t i = 0; i < config->credential_count; i++) {
        const struct credential_options *credential = &config->credentials[i];

        if (credential_narrows(credential->type) && (!credential->host || strcmp(credential->host, host->web) == 0))
            return true;
    }
    return false;
}

// The first GitHub from the n-th on that is worth asking; their number where there is none.
static size_t narrow_github(const struct config *config, size_t n)
{
    while (n < config->github_count && !has_narrow_source(config, &config->githubs[n].host))
        n++;
    return n;
}

static bool is_known(const struct rule_trial *trial, const struct repository_name *name)
{
    for (size_t i = 0; i < trial->count; i++) {
        if (repository_name_equal(&trial->items[i].question.name, name))
            return true;
    }
    return false;
}

// Tokens for a host that is no GitHub are not minted.
static bool is_of_other_host(const struct config *config, const struct rule *rule)
{
    struct bytes web, pattern;

    return rule_match_split(rule->match, &web, &pattern) && config_served_find(config, web) >= config->github_count;
}

static void add(struct rule_trial *trial, const struct rule *rule, int line)
{
    struct rule_trial_item item = {.match = rule->match, .line = line};

    if (is_of_other_host(trial->config, rule) || !rule_question(rule, &item.question) ||
        is_known(trial, &item.question.name))
        return;
    if (trial->count == RULE_TRIAL_TOKENS_MAX)
        trial->left_out++;
    else
        trial->items[trial->count++] = item;
}

static void finish(struct rule_trial *trial)
{
    struct rule_trial_callbacks callbacks = trial->callbacks;
    size_t count = trial->count - trial->wide, left_out = trial->left_out;

    mem_free(trial);
    callbacks.done(callbacks.arg, count, left_out);
}

static void ask(struct rule_trial *trial);

static void next(struct rule_trial *trial)
{
    trial->item++;
    trial->github = narrow_github(trial->config, 0);
    trial->verdict.reason = REASON_NONE;
    ask(trial);
}

// A rule names no GitHub: it can work where one of them gives the token. That an App is not there at all says least.
static void take_failure(struct rule_trial *trial, const struct verdict *verdict)
{
    const struct rule_trial_item *item = &trial->items[trial->item];

    if (trial->verdict.reason == REASON_NONE || trial->verdict.reason == REASON_NO_CREDENTIAL ||
        (trial->verdict.reason == REASON_NOT_INSTALLED && verdict->reason != REASON_NO_CREDENTIAL)) {
        trial->verdict = *verdict;
        trial->host = &trial->config->githubs[trial->github].host;
    }
    trial->github = narrow_github(trial->config, trial->github + 1);
    if (trial->github < trial->config->github_count) {
        ask(trial);
        return;
    }
    struct rule_trial_failure failure = {
        .match = item->match,
        .line = item->line,
        .host = trial->host,
        .owner = item->question.name.owner,
        .verdict = &trial->verdict,
    };
    trial->callbacks.failed(trial->callbacks.arg, &failure);
    next(trial);
}

static void on_token(void *arg, struct token *token, const struct verdict *verdict)
{
    struct rule_trial *trial = arg;

    if (!token) {
        take_failure(trial, verdict);
        return;
    }
    trial->wide += token->granted.wide;
    next(trial);
}

static void on_listing(void *arg, const struct token_listing *listing, const struct verdict *verdict)
{
    struct rule_trial *trial = arg;

    if (!listing) {
        take_failure(trial, verdict);
        return;
    }
    trial->wide += listing->wide;
    next(trial);
}

// A broker gives no token without a name: what a pattern holds is listed by it.
static bool broker_lists(const struct config *config, const struct github_host *host)
{
    for (size_t i = 0; i < config->credential_count; i++) {
        const struct credential_options *credential = &config->credentials[i];

        if (credential->type == CREDENTIAL_BROKER && (!credential->host || strcmp(credential->host, host->web) == 0))
            return true;
    }
    return false;
}

static bool ask_token(struct rule_trial *trial, const struct github_host *host)
{
    const struct rule_question *question = &trial->items[trial->item].question;
    struct scope scope = {
        .host = &host->git,
        .reach = *question->name.name ? SCOPE_REPOSITORY : SCOPE_INSTALLATION,
        .use = *question->name.name ? SCOPE_USE_GIT : SCOPE_USE_API_READ,
        .ruled = true,
        .repository = question->name,
        .permissions = question->permissions,
    };

    return token_service_ask(trial->tokens, &scope, on_token, trial);
}

static void ask(struct rule_trial *trial)
{
    if (trial->item == trial->count) {
        finish(trial);
        return;
    }
    const struct github_host *host = &trial->config->githubs[trial->github].host;
    const struct repository_name *name = &trial->items[trial->item].question.name;
    // It ends by itself, at the latest by `limits.token`.
    bool asked = !*name->name && broker_lists(trial->config, host)
                     ? token_service_list(trial->tokens, &host->git, name->owner, on_listing, trial) != NULL
                     : ask_token(trial, host);
    if (!asked)
        finish(trial);
}

static void on_step(void *arg)
{
    ask(arg);
}

void rule_trial_start(const struct config *config, struct token_service *tokens,
                      const struct rule_trial_callbacks *callbacks, struct loop *loop)
{
    struct rule_trial *trial = mem_alloc_zero(1, sizeof(*trial));
    const struct rules *rules;
    const int *lines;

    trial->config = config;
    trial->tokens = tokens;
    trial->callbacks = *callbacks;
    trial->github = narrow_github(config, 0);
    for (size_t n = 0; trial->github < config->github_count && rule_trial_rules(config, n, &rules, &lines); n++) {
        for (size_t i = 0; i < rules->count; i++)
            add(trial, &rules->rules[i], lines ? lines[i] : 0);
    }
    deferred_init(&trial->step, on_step, trial);
    loop_defer(loop, &trial->step);
}
