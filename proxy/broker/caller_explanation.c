#include "caller_explanation.h"

#include <string.h>

#include "caller.h"
#include "claim_match.h"
#include "grants.h"
#include "id_token.h"
#include "issuer_caller.h"
#include "mem.h"

#define ACCOUNT_PREFIX "system:serviceaccount:"

// What is known about the caller. Cleared with state_clear.
struct explanation_state {
    const struct config_broker *broker;
    const struct caller_explanation_question *question;
    struct id_token token; // only `claims` where these alone were given
    struct caller caller;
    struct rules rules; // of the caller's grants; what the rules point to is the configuration's
    int *lines;         // one for each rule
    bool narrowed;      // a rule lost what the holder of a token is not given
};

static void state_clear(struct explanation_state *state)
{
    id_token_clear(&state->token);
    caller_clear(&state->caller);
    mem_free(state->rules.rules);
    mem_free(state->lines);
}

// What a token says of itself may be anybody's: nothing of it forges a line, or moves a terminal's cursor.
static void make_plain(char *value)
{
    for (; *value; value++) {
        if (*value < ' ' || *value > '~')
            *value = '?';
    }
}

// Reading the token.

static bool caller_explanation_read_shown(struct explanation_state *state, struct error *ret_error)
{
    struct bytes shown = state->question->shown;

    if (!state->question->is_claims)
        return id_token_parse(shown, &state->token, ret_error);
    state->token.claims = json_loadb(shown.data ? shown.data : "", shown.size, JSON_REJECT_DUPLICATES, NULL);
    return json_is_object(state->token.claims) ||
           error_set(ret_error, "the claims are no JSON object, or name one twice");
}

static bool has_claim(const struct explanation_state *state, const char *claim)
{
    return json_object_get(state->token.claims, claim);
}

// Of several issuers with the same `iss` their keys decide, which are not looked at here: the one whose audience fits.
static const struct config_issuer *find_shown_issuer(const struct explanation_state *state)
{
    const struct config_broker *broker = state->broker;
    const char *named = id_token_text(&state->token, "iss");
    const struct config_issuer *found = NULL;

    if (!named && state->question->is_claims && broker->issuer_count == 1)
        return &broker->issuers[0];
    for (size_t i = 0; named && i < broker->issuer_count; i++) {
        const struct config_issuer *issuer = &broker->issuers[i];

        if (strcmp(issuer->issuer, named) == 0 && (!found || id_token_is_for(&state->token, issuer->audience)))
            found = issuer;
    }
    return found;
}

static bool take_issuer_caller(struct explanation_state *state, const struct config_issuer *issuer,
                               struct error *ret_error)
{
    bool is_claims = state->question->is_claims;

    if ((!is_claims || has_claim(state, "aud")) && !issuer_caller_check_audience(issuer, &state->token, ret_error))
        return false;
    if ((!is_claims || has_claim(state, "exp")) && !id_token_check_time(&state->token, state->question->now, ret_error))
        return false;
    issuer_caller_fill(issuer, &state->token, &state->caller);
    return true;
}

// A service account's token of this cluster, which TokenReview proves; "system:serviceaccount:NAMESPACE:NAME".
static bool take_service_account(struct explanation_state *state, struct error *ret_error)
{
    const char *subject = id_token_text(&state->token, "sub");
    struct bytes namespace, name;

    if (!subject || strncmp(subject, ACCOUNT_PREFIX, sizeof(ACCOUNT_PREFIX) - 1) != 0 ||
        !bytes_cut(bytes_of_string(subject + sizeof(ACCOUNT_PREFIX) - 1), ':', &namespace, &name)) {
        const char *named = id_token_text(&state->token, "iss");

        error_set(ret_error, "this broker knows no issuer \"%.200s\"; add it to `broker.issuers`", named ? named : "");
        make_plain(ret_error->text);
        return false;
    }
    state->caller.holder = id_token_is_for(&state->token, CONFIG_AUDIENCE_CREDENTIAL);
    if (has_claim(state, "aud") && !state->caller.holder && !id_token_is_for(&state->token, state->broker->audience))
        return error_set(ret_error, "the token is not for this broker: its `aud` must be %s", state->broker->audience);
    state->caller.namespace = mem_format("%.*s", (int)namespace.size, namespace.data);
    state->caller.service_account = mem_format("%.*s", (int)name.size, name.data);
    return true;
}

static bool take_caller(struct explanation_state *state, struct error *ret_error)
{
    const struct config_issuer *issuer = find_shown_issuer(state);

    return issuer ? take_issuer_caller(state, issuer, ret_error) : take_service_account(state, ret_error);
}

// The grants.

// Why a grant is not for the caller whatever its claims say; false: nothing of the kind.
static bool append_other_caller(const struct explanation_state *state, const struct config_grant *grant,
                                struct text *out)
{
    const struct caller *caller = &state->caller;

    if (grant->issuer && (!caller->issuer || strcmp(grant->issuer, caller->issuer) != 0))
        text_format(out, "is for tokens of issuer %s", grant->issuer);
    else if (grant->namespace && (!caller->namespace || strcmp(grant->namespace, caller->namespace) != 0 ||
                                  strcmp(grant->service_account, caller->service_account) != 0))
        text_format(out, "is for the service account %s/%s of the cluster", grant->namespace, grant->service_account);
    else if (!grant->issuer && !grant->namespace)
        text_format(out, "is for the certificate %s, whatever the token", grant->certificate);
    else if (config_grant_is_for_holder(grant) != caller->holder)
        text_format(out, "is for tokens of audience %s", grant->audience);
    else
        return false;
    return true;
}

// False: all claims match.
static bool append_mismatches(const struct explanation_state *state, const struct config_grant *grant, struct text *out)
{
    bool found = false;

    for (size_t i = 0; i < grant->claims.count; i++) {
        if (claim_matches(state->caller.claims, &grant->claims.items[i]))
            continue;
        text_append(out, found ? "; " : "");
        claim_explain(state->caller.claims, &grant->claims.items[i], out);
        found = true;
    }
    return found;
}

static void append_repositories(const struct config_grant *grant, struct text *out)
{
    for (size_t i = 0; i < grant->rules.count; i++)
        text_format(out, "%s%s", i > 0 ? ", " : "", grant->rules.rules[i].match);
}

// What only a proxy can enforce leaves the holder of a token no push, and no API.
static void narrow_rule(struct explanation_state *state, struct rule *rule)
{
    if (rule_is_bound(rule, BOUND_PUSH)) {
        state->narrowed |= rule->push.kind != REF_SET_NONE || rule->delete.kind != REF_SET_NONE;
        rule->push = rule->delete = (struct ref_set){0};
    }
    if (rule_is_bound(rule, BOUND_PATHS)) {
        state->narrowed |= rule->permissions.count > 0;
        rule->permissions = (struct permissions){0};
    }
}

// Adds the grant's rules to the caller's.
static void caller_explanation_take_rules(struct explanation_state *state, const struct config_grant *grant)
{
    struct rules *rules = &state->rules;

    rules->rules = mem_realloc(rules->rules, (rules->count + grant->rules.count) * sizeof(*rules->rules));
    state->lines = mem_realloc(state->lines, (rules->count + grant->rules.count) * sizeof(*state->lines));
    for (size_t i = 0; i < grant->rules.count; i++) {
        struct rule rule = grant->rules.rules[i];

        if (state->caller.holder)
            narrow_rule(state, &rule);
        state->lines[rules->count] = grant->rule_lines ? grant->rule_lines[i] : 0;
        rules->rules[rules->count++] = rule;
    }
}

static void explain_grant(struct explanation_state *state, size_t number, struct text *out)
{
    const struct config_grant *grant = &state->broker->grants[number];
    struct text why = {0};

    if (!append_other_caller(state, grant, &why))
        append_mismatches(state, grant, &why);
    text_format(out, "%s broker.grants[%zu]", why.size > 0 ? "no   " : "match", number);
    if (grant->rule_lines && grant->rule_lines[0] > 0)
        text_format(out, " (line %d)", grant->rule_lines[0]);
    text_append(out, ": ");
    if (why.size > 0) {
        text_append(out, text_string(&why));
    } else {
        append_repositories(grant, out);
        if (grant->certificate)
            text_format(out, ", if it shows the certificate %s as well", grant->certificate);
        caller_explanation_take_rules(state, grant);
    }
    text_append_char(out, '\n');
    text_free(&why);
}

static void append_caller(const struct explanation_state *state, struct text *out)
{
    char *name = caller_name(&state->caller);

    make_plain(name);
    text_format(
        out, "caller: %s%s; %s\n", name,
        state->caller.holder ? ", which will hold its tokens itself (audience " CONFIG_AUDIENCE_CREDENTIAL ")" : "",
        state->question->is_claims ? "its token was not shown" : "the signature of its token is not verified here");
    mem_free(name);
}

static enum explanation_result explain_operation(const struct explanation_state *state, const struct config *config,
                                                 struct text *out, struct error *ret_error)
{
    const struct caller_explanation_question *question = state->question;
    enum explanation_result result;

    if (question->count == 0)
        return state->rules.count > 0 ? EXPLANATION_ALLOWED : EXPLANATION_DENIED;
    result = explanation_append(&state->rules, state->lines, &config->githubs[0].host.git, question->words,
                                question->count, out, ret_error);
    if (result == EXPLANATION_DENIED && state->narrowed)
        text_append(out, "  a caller that holds its tokens itself is granted only what no ref pattern, `delete`, "
                         "`create`, `max_pack` or `paths` narrows\n");
    return result;
}

enum explanation_result caller_explanation_append(const struct config *config,
                                                  const struct caller_explanation_question *question, struct text *out,
                                                  struct error *ret_error)
{
    struct explanation_state state = {
        .broker = &config->broker,
        .question = question,
        // Without a grant nothing is given, and what a sidecar does then is not the broker's to say.
        .rules = {.present = true, .other = OTHER_REPOSITORIES_DENY},
    };
    enum explanation_result result = EXPLANATION_DENIED;
    struct error problem;

    if (!caller_explanation_read_shown(&state, ret_error)) {
        result = EXPLANATION_BAD;
    } else if (!take_caller(&state, &problem)) {
        text_format(out, "not proven: %s\n", problem.text);
    } else {
        append_caller(&state, out);
        for (size_t i = 0; i < state.broker->grant_count; i++)
            explain_grant(&state, i, out);
        if (state.rules.count == 0)
            text_append(out, "no grant is for this caller\n");
        result = explain_operation(&state, config, out, ret_error);
    }
    state_clear(&state);
    return result;
}
