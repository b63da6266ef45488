#include "judgement.h"

#include <stddef.h>
#include <string.h>
#include <strings.h>

#include <gitlatch/token_service.h>

#include "config.h"
#include "graphql_body.h"
#include "loop.h"
#include "mem.h"

// With these everything is allowed.
static const struct rules no_rules = {.present = false};

void judgement_init(struct judgement *judgement, struct request *request, struct runtime *runtime,
                    judgement_done_fn *done, void *arg)
{
    memset(judgement, 0, offsetof(struct judgement, decision));
    judgement->request = request;
    judgement->runtime = runtime;
    judgement->done = done;
    judgement->arg = arg;
    judgement->decision.decision = DECISION_ALLOW;
    judgement->decision.rule = NULL;
    judgement->push.reasons = NULL;
    judgement->refusal.reason = judgement->would_deny.reason = REASON_NONE;
}

void judgement_stop(struct judgement *judgement)
{
    if (judgement->granted_request)
        granted_request_cancel(judgement->granted_request);
    if (judgement->repository_request)
        token_request_cancel(judgement->repository_request);
    judgement->granted_request = NULL;
    judgement->repository_request = NULL;
}

void judgement_clear(struct judgement *judgement)
{
    judgement_stop(judgement);
    if (judgement->push.reasons)
        push_decision_clear(&judgement->push);
    ruling_unref(judgement->ruling);
    mem_free(judgement->outside_grant);
    mem_free(judgement->without_token);
    judgement->without_token = NULL;
    judgement->ruling = NULL;
    judgement->outside_grant = NULL;
}

bool judgement_refuse_or_note(struct judgement *judgement, const struct verdict *verdict)
{
    if (judgement->runtime->config->enforce) {
        judgement->refusal = *verdict;
        return true;
    }
    if (judgement->would_deny.reason == REASON_NONE)
        judgement->would_deny = *verdict;
    return false;
}

static enum judgement_result refuse_always(struct judgement *judgement, const struct verdict *verdict)
{
    judgement->refusal = *verdict;
    return JUDGEMENT_REFUSED;
}

// From now on these rules decide.
static void use_rules(struct judgement *judgement, const struct rules *rules)
{
    judgement->rules = rules;
    policy_decide(rules, &judgement->request->operation, &judgement->decision);
}

// Whether there is a source of tokens that knows nothing of grants.
static bool has_source_without_grants(const struct judgement *judgement)
{
    const struct config *config = judgement->runtime->config;

    for (size_t i = 0; i < config->credential_count; i++) {
        const struct credential_options *options = &config->credentials[i];

        if (!credential_gives_rules(options->type) &&
            (!options->host || strcasecmp(options->host, judgement->request->operation.host->web) == 0))
            return true;
    }
    return false;
}

static void set_outside_grant(struct judgement *judgement, const struct verdict *verdict)
{
    judgement->outside_grant = mem_alloc(sizeof(*judgement->outside_grant));
    if (verdict)
        *judgement->outside_grant = *verdict;
    else
        verdict_set(judgement->outside_grant, REASON_BROKER_DENIED, NULL);
}

// Falls back to this configuration's own rules when the broker's grant does not cover the request (`denial` NULL: it is
// no more than not allowed). Returns true if it did: from then on they alone decide, and no token of the broker is used.
static bool leave_grant(struct judgement *judgement, const struct verdict *denial)
{
    const struct ruling *ruling = judgement->ruling;

    if (!ruling || judgement->rules != &ruling->rules || !ruling->within || !has_source_without_grants(judgement))
        return false;
    set_outside_grant(judgement, denial);
    use_rules(judgement, judgement->request->host->rules);
    return true;
}

// One question to the rules. Returns why they deny it; NULL: they do not.
typedef const struct verdict *ask_rules_fn(struct judgement *judgement, const struct body_gate *gate);

// Asks the rules; what they deny is asked of the own rules alone, and what these deny is refused, or recorded and then
// decided without rules.
static enum judgement_result settle(struct judgement *judgement, ask_rules_fn *ask_rules, const struct body_gate *gate)
{
    const struct verdict *denial = ask_rules(judgement, gate);
    bool allowed = !denial && judgement_wants_token(judgement);

    if (!allowed && leave_grant(judgement, denial))
        denial = ask_rules(judgement, gate);
    if (!denial)
        return JUDGEMENT_ALLOWED;
    if (judgement_refuse_or_note(judgement, denial))
        return JUDGEMENT_REFUSED;
    judgement->refusing_rule = judgement->decision.rule;
    use_rules(judgement, &no_rules);
    ask_rules(judgement, gate);
    return JUDGEMENT_ALLOWED;
}

static const struct verdict *denial_of(const struct judgement *judgement)
{
    return judgement->decision.decision == DECISION_DENY ? &judgement->decision.verdict : NULL;
}

static const struct verdict *ask_about_head(struct judgement *judgement, const struct body_gate *gate)
{
    return denial_of(judgement);
}

static const struct verdict *ask_about_push(struct judgement *judgement, const struct body_gate *gate)
{
    if (judgement->push.reasons)
        push_decision_clear(&judgement->push);
    policy_decide_push(judgement->decision.rule, body_gate_push(gate), &judgement->push);
    return judgement->push.allowed ? NULL : &judgement->push.verdict;
}

static const struct verdict *ask_about_lfs(struct judgement *judgement, const struct body_gate *gate)
{
    const struct operation *operation = &judgement->request->operation;
    const struct lfs_body *body = body_gate_lfs(gate);
    bool write = operation_traits(operation->kind)->writes || body->upload;

    policy_decide_lfs(operation, write, bytes_of_string(body->ref), &judgement->decision);
    return denial_of(judgement);
}

// Whom a GraphQL request names, else who owns the first of its nodes whose repository is known; empty: nobody.
static struct bytes find_graphql_owner(const struct judgement *judgement, const struct graphql_hint *hint,
                                       struct repository_name *name)
{
    const struct git_host *host = judgement->request->operation.host;

    if (*hint->owner)
        return bytes_of_string(hint->owner);
    for (size_t i = 0; i < hint->repository_id_count; i++) {
        if (token_service_repository(judgement->runtime->tokens, host, hint->repository_ids[i], name))
            return bytes_of_string(name->owner);
    }
    return bytes_of(NULL, 0);
}

static const struct verdict *ask_about_graphql(struct judgement *judgement, const struct body_gate *gate)
{
    struct repository_name name;

    policy_decide_graphql(judgement->rules, &judgement->request->operation,
                          find_graphql_owner(judgement, body_gate_graphql(gate), &name), &judgement->decision);
    return denial_of(judgement);
}

enum judgement_result judgement_of_body(struct judgement *judgement, const struct body_gate *gate)
{
    switch (body_gate_kind(gate)) {
    case GATE_PUSH:
        return settle(judgement, ask_about_push, gate);
    case GATE_LFS_BATCH:
    case GATE_LFS_LOCK:
        return settle(judgement, ask_about_lfs, gate);
    case GATE_GRAPHQL:
        return settle(judgement, ask_about_graphql, gate);
    case GATE_NONE:
    case GATE_PROBE:
        break;
    }
    return JUDGEMENT_ALLOWED;
}

static enum judgement_result judge_operation(struct judgement *judgement)
{
    use_rules(judgement, judgement->rules);
    return settle(judgement, ask_about_head, NULL);
}

// Whoever counts through the ids learns neither a name nor which of them are there: a repository that no rule names is as
// unknown as one that does not exist, also where GitHub is asked without a token and hides it.
static enum judgement_result judge_repository(struct judgement *judgement, const struct repository_name *name)
{
    enum judgement_result result = JUDGEMENT_REFUSED;
    struct verdict unknown;

    verdict_set(&unknown, REASON_REPOSITORY_ID_UNKNOWN, NULL);
    if (name) {
        operation_resolve(&judgement->request->operation, name);
        result = judge_operation(judgement);
    }
    if (!name || (result == JUDGEMENT_REFUSED && judgement->refusal.reason == REASON_REPOSITORY_DENIED))
        return refuse_always(judgement, &unknown);
    if (judgement->decision.decision == DECISION_ANONYMOUS) {
        judgement->without_token = mem_alloc(sizeof(*judgement->without_token));
        *judgement->without_token = unknown;
    }
    return result;
}

// Each id that is not known costs a request to GitHub, of which an installation has 5,000 an hour: half of them are left to
// others.
static const struct pace_rate lookup_rate = {.interval_ms = 2 * SECOND_MS, .burst = 60};

static struct mono now_of(const struct judgement *judgement)
{
    return loop_now(judgement->runtime->egress.dialer.loop);
}

static enum judgement_result refuse_lookup(struct judgement *judgement)
{
    struct verdict verdict;

    verdict_set(&verdict, REASON_REPOSITORY_ID_UNKNOWN, "too many repositories were asked for by id lately");
    verdict.status = 429;
    verdict.retry_after_s =
        (unsigned)((pace_wait_ms(&judgement->runtime->lookups, &lookup_rate, now_of(judgement)) + SECOND_MS - 1) /
                   SECOND_MS);
    return refuse_always(judgement, &verdict);
}

static void on_repository_named(void *arg, const struct repository_name *name)
{
    struct judgement *judgement = arg;

    judgement->repository_request = NULL;
    judgement->done(judgement->arg, judge_repository(judgement, name));
}

// The rules are known. A repository that is named by its id is looked up first: rules know names.
static enum judgement_result judge_by_rules(struct judgement *judgement)
{
    const struct operation *operation = &judgement->request->operation;
    const char *owner = git_host_is_github(operation->host) ? github_host_of(operation->host)->default_owner : NULL;
    struct token_service *tokens = judgement->runtime->tokens;
    struct repository_name name;

    if (operation_traits(operation->kind)->access != ACCESS_REPOSITORY_ID)
        return judge_operation(judgement);
    if (token_service_repository(tokens, operation->host, operation->repository_id, &name))
        return judge_repository(judgement, &name);
    if (!pace_take(&judgement->runtime->lookups, &lookup_rate, now_of(judgement)))
        return refuse_lookup(judgement);
    judgement->repository_request = token_service_find_repository(
        tokens, operation->host, owner ? owner : "", operation->repository_id, on_repository_named, judgement);
    return JUDGEMENT_LATER;
}

static void use_ruling(struct judgement *judgement, struct ruling *ruling)
{
    judgement->ruling = ruling_ref(ruling);
    judgement->rules = &ruling->rules;
}

// Without the broker's rules the own ones hold alone, where there are any.
static void on_ruling(void *arg, struct ruling *ruling, const struct verdict *verdict)
{
    struct judgement *judgement = arg;
    enum judgement_result result;

    judgement->granted_request = NULL;
    if (ruling)
        use_ruling(judgement, ruling);
    else if (judgement->rules->present)
        set_outside_grant(judgement, verdict);
    if (ruling || judgement->rules->present)
        result = judge_by_rules(judgement);
    else
        result = refuse_always(judgement, verdict);
    if (result != JUDGEMENT_LATER)
        judgement->done(judgement->arg, result);
}

enum judgement_result judgement_of_head(struct judgement *judgement)
{
    const struct git_host *host = judgement->request->operation.host;
    struct granted_rules *granted = judgement->runtime->granted;
    struct ruling *ruling;

    judgement->rules = judgement->request->host->rules;
    if (!granted_rules_find(granted, host, &ruling))
        return judge_by_rules(judgement);
    if (!ruling) {
        judgement->granted_request = granted_rules_wait(granted, host, on_ruling, judgement);
        return JUDGEMENT_LATER;
    }
    use_ruling(judgement, ruling);
    return judge_by_rules(judgement);
}

enum judgement_result judgement_of_token(struct judgement *judgement, const struct token *token)
{
    if (judgement->outside_grant && token && source_id_gives_rules(token->source) &&
        judgement_refuse_or_note(judgement, judgement->outside_grant))
        return JUDGEMENT_REFUSED;
    return JUDGEMENT_ALLOWED;
}

bool judgement_waives_rules(struct judgement *judgement, const struct verdict *verdict)
{
    if (verdict->reason != REASON_WIDE_TOKEN || judgement->runtime->config->enforce ||
        judgement_refuse_or_note(judgement, verdict))
        return false;
    judgement->decision.scope.ruled = false;
    return true;
}

// That somebody must mend, and that hinders nobody who needs no token.
static bool is_lack_of_access(enum reason reason)
{
    return reason == REASON_NOT_INSTALLED || reason == REASON_NOT_COVERED || reason == REASON_SUSPENDED ||
           reason == REASON_NO_CREDENTIAL;
}

bool judgement_does_without_token(struct judgement *judgement, const struct verdict *verdict)
{
    const struct operation *operation = &judgement->request->operation;
    const struct operation_traits *traits = operation_traits(operation->kind);
    bool reads = traits->reads || (operation->reads && !traits->writes);

    if (!judgement_wants_token(judgement) || !is_lack_of_access(verdict->reason) || !reads ||
        !operation_has_repository(operation) || judgement->runtime->config->rules.other != OTHER_REPOSITORIES_ANONYMOUS)
        return false;
    judgement->decision.decision = DECISION_ANONYMOUS;
    judgement->without_token = mem_alloc(sizeof(*judgement->without_token));
    *judgement->without_token = *verdict;
    return true;
}
