#include "ahead.h"

#include <gitlatch/github_host.h>

#include <string.h>

#include "mem.h"
#include "rule_match.h"

struct ahead_wait {
    struct token_request *request; // NULL: it has ended, or there is none
    char owner[OWNER_NAME_SIZE];   // whose installation it finds
};

struct ahead {
    struct loop *loop;
    struct token_service *tokens;
    struct deferred start;
    bool began;                // ahead_rules was called
    const struct rules *rules; // whose tokens `start` asks for; NULL: it has
    const struct git_host *host;
    struct ahead_wait waits[AHEAD_TOKENS_MAX];
    size_t count;
};

static void on_token(void *arg, struct token *token, const struct verdict *verdict)
{
    struct ahead_wait *wait = arg;

    wait->request = NULL; // the service keeps the token, and has logged why there is none
}

static void on_prepared(void *arg)
{
    struct ahead_wait *wait = arg;

    wait->request = NULL;
}

static struct ahead_wait *add_wait(struct ahead *ahead)
{
    struct ahead_wait *wait = &ahead->waits[ahead->count++];

    *wait = (struct ahead_wait){0};
    return wait;
}

// The repository that a rule names without a pattern. False: it has one.
static bool names_one(const struct rule *rule, struct repository_name *ret_name)
{
    struct bytes web, pattern, owner, name;

    rule_match_split(rule->match, &web, &pattern);
    return bytes_cut(pattern, '/', &owner, &name) && repository_name_parse(owner, name, ret_name);
}

// The owner that a rule names, whatever its repositories are. False: a pattern.
static bool names_owner(const struct rule *rule, char ret_owner[OWNER_NAME_SIZE])
{
    struct bytes web, pattern, owner, name;
    struct repository_name parsed;

    rule_match_split(rule->match, &web, &pattern);
    if (!bytes_cut(pattern, '/', &owner, &name) || bytes_contain(name, BYTES("/")) ||
        !repository_name_parse(owner, BYTES("any"), &parsed))
        return false;
    memcpy(ret_owner, parsed.owner, sizeof(parsed.owner));
    return true;
}

static void ask_token(struct ahead *ahead, const struct repository_name *name)
{
    struct scope scope = {
        .host = ahead->host,
        .reach = SCOPE_REPOSITORY,
        .use = SCOPE_USE_GIT,
        .ruled = true,
        .repository = *name,
    };
    struct ahead_wait *wait;

    // As policy_decide asks for a fetch: it is the same token.
    if (!permissions_add(&scope.permissions, BYTES("contents"), PERMISSION_READ))
        return;
    wait = add_wait(ahead);
    memcpy(wait->owner, name->owner, sizeof(wait->owner));
    wait->request = token_service_ask(ahead->tokens, &scope, on_token, wait);
}

static void ask_owner(struct ahead *ahead, const char *owner)
{
    struct ahead_wait *wait;

    for (size_t i = 0; i < ahead->count; i++) {
        if (strcmp(ahead->waits[i].owner, owner) == 0)
            return;
    }
    wait = add_wait(ahead);
    memcpy(wait->owner, owner, strlen(owner) + 1);
    wait->request = token_service_prepare(ahead->tokens, ahead->host, owner, on_prepared, wait);
}

static void give_up(struct ahead *ahead)
{
    for (size_t i = 0; i < ahead->count; i++) {
        if (ahead->waits[i].request)
            token_request_cancel(ahead->waits[i].request);
    }
    ahead->count = 0;
}

static void on_start(void *arg)
{
    struct ahead *ahead = arg;
    const struct rules *rules = ahead->rules;
    const char *owner = github_host_of(ahead->host)->default_owner;
    struct repository_name name;
    char named[OWNER_NAME_SIZE];

    ahead->rules = NULL;
    give_up(ahead);
    for (size_t i = 0; i < rules->count && ahead->count < AHEAD_TOKENS_MAX; i++) {
        const struct rule *rule = &rules->rules[i];

        // A rule that an earlier one hides decides nothing.
        if (rule->fetch && names_one(rule, &name) && rules_find(rules, &name) == rule)
            ask_token(ahead, &name);
    }
    for (size_t i = 0; i < rules->count && ahead->count < AHEAD_TOKENS_MAX; i++) {
        if (names_owner(&rules->rules[i], named))
            ask_owner(ahead, named);
    }
    if (ahead->count == 0 && (!rules->present || rules->count > 0))
        ask_owner(ahead, owner ? owner : "");
}

struct ahead *ahead_new(struct loop *loop, struct token_service *tokens)
{
    struct ahead *ahead = mem_alloc_zero(1, sizeof(*ahead));

    ahead->loop = loop;
    ahead->tokens = tokens;
    deferred_init(&ahead->start, on_start, ahead);
    return ahead;
}

void ahead_free(struct ahead *ahead)
{
    if (!ahead)
        return;
    deferred_cancel(&ahead->start);
    give_up(ahead);
    mem_free(ahead);
}

void ahead_rules(struct ahead *ahead, const struct rules *rules, const struct git_host *host)
{
    ahead->began = true;
    ahead->rules = rules;
    ahead->host = host;
    loop_defer(ahead->loop, &ahead->start);
}

bool ahead_is_settled(const struct ahead *ahead)
{
    if (!ahead->began || ahead->rules)
        return false;
    for (size_t i = 0; i < ahead->count; i++) {
        if (ahead->waits[i].request)
            return false;
    }
    return true;
}
