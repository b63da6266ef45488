#include "grants.h"

#include <stdio.h>
#include <string.h>

#include "claim_match.h"
#include "glob.h"
#include "mem.h"
#include "rule_json.h"
#include "rule_set.h"
#include "text.h"

// A certificate's names: one that matches is enough.
static bool names_match(char *const *names, const char *pattern)
{
    for (; names && *names; names++) {
        if (glob_match(bytes_of_string(pattern), bytes_of_string(*names)))
            return true;
    }
    return false;
}

static bool proves(const struct config_grant *grant, const struct caller *caller)
{
    if (grant->namespace)
        return caller->namespace && strcmp(grant->namespace, caller->namespace) == 0 &&
               strcmp(grant->service_account, caller->service_account) == 0;
    if (grant->issuer)
        return caller->issuer && strcmp(grant->issuer, caller->issuer) == 0 &&
               !claim_first_mismatch(caller->claims, &grant->claims);
    return true;
}

// A token is for one audience and opens the grants of that one alone; a certificate has none.
bool grants_is_for(const struct config_grant *grant, const struct caller *caller)
{
    bool by_token = grant->namespace || grant->issuer;

    return (by_token || grant->certificate) && proves(grant, caller) &&
           (!by_token || config_grant_is_for_holder(grant) == caller->holder) &&
           (!grant->certificate || names_match(caller->certificate_names, grant->certificate));
}

// The caller's next grant; start with `*position` 0. NULL: there is none left.
static const struct config_grant *next_grant(const struct config_broker *broker, const struct caller *caller,
                                             size_t *position)
{
    while (*position < broker->grant_count) {
        const struct config_grant *grant = &broker->grants[(*position)++];

        if (grants_is_for(grant, caller))
            return grant;
    }
    return NULL;
}

const struct rule *grants_rule(const struct config_broker *broker, const struct caller *caller,
                               const struct repository_name *name, bool *ret_holder)
{
    const struct config_grant *grant;
    const struct rule *rule = NULL;

    for (size_t position = 0; !rule && (grant = next_grant(broker, caller, &position));) {
        rule = rules_find(&grant->rules, name);
        *ret_holder = config_grant_is_for_holder(grant);
    }
    return rule;
}

static bool pushes(const struct rule *rule, bool holder)
{
    if (holder)
        return !rule_is_bound(rule, BOUND_PUSH);
    return rule->push.kind != REF_SET_NONE || rule->delete.kind != REF_SET_NONE;
}

static void add(struct permissions *permissions, struct bytes name, enum permission_level level)
{
    // A rule with as many permissions as there is room for grants no other: to be refused is safe.
    bool added GL_UNUSED = permissions_add(permissions, name, level);
}

void grants_permissions(const struct rule *rule, bool holder, struct permissions *ret_permissions)
{
    *ret_permissions = (struct permissions){0};
    if (!holder || !rule_is_bound(rule, BOUND_PATHS))
        *ret_permissions = rule->permissions;
    if (rule->fetch)
        add(ret_permissions, BYTES("contents"), PERMISSION_READ);
    if (pushes(rule, holder))
        add(ret_permissions, BYTES("contents"), PERMISSION_WRITE);
}

// The part of `asked` that `granted` does not cover.
static void subtract(const struct permissions *asked, const struct permissions *granted,
                     struct permissions *ret_missing)
{
    *ret_missing = (struct permissions){0};
    for (size_t i = 0; i < asked->count; i++) {
        struct bytes name = bytes_of_string(asked->items[i].name);

        if (asked->items[i].level > permissions_level(granted, name))
            add(ret_missing, name, asked->items[i].level);
    }
}

static bool deny(struct verdict *verdict, const struct caller *caller, const struct repository_name *name,
                 const struct permissions *missing, const char *hint)
{
    char text[256], *who = caller_name(caller);

    permissions_format(missing, text, sizeof(text));
    verdict_set(verdict, REASON_BROKER_DENIED, "%s is not granted %s for %s/%s%s", who, text, name->owner, name->name,
                hint);
    verdict->status = 403;
    mem_free(who);
    return false;
}

static bool has_grant(const struct config_broker *broker, const struct caller *caller)
{
    size_t position = 0;

    return next_grant(broker, caller, &position) != NULL;
}

// The claim for which a grant of the caller's issuer was not its own; NULL: there is none. Whoever has no grant at all may
// be anybody with an account there: its answer must not depend on the repository, or it could find out which there are.
static const struct config_claim *find_mismatch(const struct config_broker *broker, const struct caller *caller,
                                                const struct repository_name *name)
{
    bool known = has_grant(broker, caller);
    const struct config_claim *claim = NULL;

    for (size_t i = 0; caller->issuer && !claim && i < broker->grant_count; i++) {
        const struct config_grant *grant = &broker->grants[i];

        if (grant->issuer && strcmp(grant->issuer, caller->issuer) == 0 && (!known || rules_find(&grant->rules, name)))
            claim = claim_first_mismatch(caller->claims, &grant->claims);
    }
    return claim;
}

void grants_explain_none(const struct config_broker *broker, const struct caller *caller, struct text *text)
{
    const struct config_claim *claim = has_grant(broker, caller) ? NULL : find_mismatch(broker, caller, NULL);

    if (claim)
        claim_describe(caller->claims, claim, text);
}

static bool deny_without_rule(const struct config_broker *broker, const struct caller *caller,
                              const struct token_question *question, const struct repository_name *name,
                              struct verdict *verdict)
{
    const struct config_claim *claim = find_mismatch(broker, caller, name);
    struct text hint = {0};

    text_append(&hint, ": ");
    if (claim)
        claim_describe(caller->claims, claim, &hint);
    else
        text_append(&hint, "no grant of its audience names that repository");
    deny(verdict, caller, name, &question->permissions, text_string(&hint));
    text_free(&hint);
    return false;
}

static bool allow_repository(const struct config_broker *broker, const struct caller *caller,
                             const struct token_question *question, const struct repository_name *name,
                             struct verdict *verdict)
{
    bool holder = false;
    const struct rule *rule = grants_rule(broker, caller, name, &holder);
    struct permissions granted, without_holder, missing;

    if (!rule)
        return deny_without_rule(broker, caller, question, name, verdict);
    grants_permissions(rule, holder, &granted);
    grants_permissions(rule, false, &without_holder);
    // Every token that GitHub makes can read the metadata.
    if (granted.count > 0)
        add(&granted, BYTES("metadata"), PERMISSION_READ);
    subtract(&question->permissions, &granted, &missing);
    if (missing.count == 0)
        return true;
    return deny(verdict, caller, name, &missing,
                holder && permissions_cover(&without_holder, &missing)
                    ? ": a caller that holds the token itself is granted only what no ref pattern, `delete`, `create`, "
                      "`max_pack` or `paths` narrows"
                    : "");
}

// For the names of an owner's repositories.

static bool names_owner(const struct rule *rule, const char *owner)
{
    struct bytes pattern, name;

    bytes_cut(bytes_of_string(rule->match), '/', &pattern, &name);
    return glob_match_nocase(pattern, bytes_of_string(owner));
}

// The one owner whom all of the caller's rules name.
static bool find_owner(const struct config_broker *broker, const struct caller *caller, char ret_owner[OWNER_NAME_SIZE])
{
    const struct config_grant *grant;
    struct repository_name parsed;
    char found[OWNER_NAME_SIZE] = "";

    for (size_t position = 0; (grant = next_grant(broker, caller, &position));) {
        for (size_t i = 0; i < grant->rules.count; i++) {
            struct bytes owner, name;

            bytes_cut(bytes_of_string(grant->rules.rules[i].match), '/', &owner, &name);
            if (!repository_name_parse(owner, BYTES("any"), &parsed) || (*found && strcmp(found, parsed.owner) != 0))
                return false;
            memcpy(found, parsed.owner, sizeof(found));
        }
    }
    memcpy(ret_owner, found, sizeof(found));
    return *found;
}

static bool has_rule_for_owner(const struct config_broker *broker, const struct caller *caller, const char *owner)
{
    const struct config_grant *grant;

    for (size_t position = 0; (grant = next_grant(broker, caller, &position));) {
        for (size_t i = 0; i < grant->rules.count; i++) {
            if (names_owner(&grant->rules.rules[i], owner))
                return true;
        }
    }
    return false;
}

bool grants_allow_listing(const struct config_broker *broker, const struct caller *caller,
                          struct token_question *question, struct verdict *ret_verdict)
{
    struct permissions metadata = {0};
    struct repository_name all = {.name = "*"};

    if (!*question->owner && !find_owner(broker, caller, question->owner)) {
        char *who = caller_name(caller);

        verdict_set(ret_verdict, REASON_QUESTION_MALFORMED,
                    "`owner` is missing, and the grants of %s name not one alone", who);
        mem_free(who);
        return false;
    }
    if (has_rule_for_owner(broker, caller, question->owner))
        return true;
    add(&metadata, BYTES("metadata"), PERMISSION_READ);
    memcpy(all.owner, question->owner, sizeof(all.owner));
    return deny(ret_verdict, caller, &all, &metadata, ": no grant of its audience names that owner");
}

bool grants_hold(const struct config_broker *broker, const struct caller *caller, const struct repository_name *name)
{
    bool holder = false;
    const struct rule *rule = grants_rule(broker, caller, name, &holder);
    struct permissions granted = {0};

    if (rule)
        grants_permissions(rule, holder, &granted);
    return granted.count > 0;
}

bool grants_allow(const struct config_broker *broker, const struct caller *caller,
                  const struct token_question *question, struct verdict *ret_verdict)
{
    struct repository_name all = {.name = "*"};

    if (!question->names) {
        snprintf(all.owner, sizeof(all.owner), "%s", *question->owner ? question->owner : "*");
        return deny(ret_verdict, caller, &all, &question->permissions, ": name its `repositories`");
    }
    for (size_t i = 0; i < question->count; i++) {
        if (!allow_repository(broker, caller, question, &question->names[i], ret_verdict))
            return false;
    }
    return true;
}

void grants_describe(const struct config_broker *broker, const struct caller *caller, struct text *text)
{
    const struct config_grant *grant;
    bool first = true;

    text_append(text, "{\"repositories\":[");
    for (size_t position = 0; (grant = next_grant(broker, caller, &position));) {
        for (size_t i = 0; i < grant->rules.count; i++) {
            text_append(text, first ? "" : ",");
            rule_json_append(&grant->rules.rules[i], text);
            first = false;
        }
    }
    text_append(text, "]}\n");
}
