#include "explanation.h"

#include "git_host_kind.h"
#include "mem.h"
#include "operation.h"
#include "rule_match.h"
#include "target.h"

const char explanation_usage[] = "fetch OWNER/NAME              or HOST/PATH of another git host\n"
                                 "push OWNER/NAME [REF...]      refs that exist\n"
                                 "create OWNER/NAME REF...      refs that do not\n"
                                 "delete OWNER/NAME REF...\n"
                                 "lfs download|upload|lock OWNER/NAME [REF]\n"
                                 "api METHOD PATH               as /repos/OWNER/NAME/pulls\n"
                                 "graphql [OWNER]\n";

struct question {
    const struct rules *rules;
    const struct git_host *host;
    struct operation operation;
    struct policy_decision decision;
    const struct ref_set *patterns; // that a refused ref does not match; NULL: none
    struct verdict verdict;         // of a request that is refused before the rules, or of a ref
    bool allowed;
};

// Takes a request the way that it takes in a session, up to its body.
static bool ask(struct question *question, enum github_endpoint endpoint, enum head_method method, const char *text,
                struct error *error)
{
    const char *bad = NULL;
    struct target target;

    if (!target_parse(method, bytes_of_string(text), &target, &bad))
        return error_set(error, "%s: %s", text, bad);
    if (!git_host_read(question->host, endpoint, method, &target, &question->operation, &question->verdict)) {
        question->decision.decision = DECISION_DENY;
        return true;
    }
    policy_decide(question->rules, &question->operation, &question->decision);
    question->allowed = question->decision.decision != DECISION_DENY;
    question->verdict = question->decision.verdict;
    return true;
}

static bool ask_git(struct question *question, const char *repository, const char *service, struct error *error)
{
    char *text;
    bool asked;

    struct bytes web, path;

    if (rule_match_split(repository, &web, &path) && bytes_equal_nocase(web, bytes_of_string(question->host->web)))
        repository = path.data;
    if (strstr(repository, "//") || strchr(repository, ':'))
        return error_set(error, "`%s` is not OWNER/NAME, such as acme/widgets", repository);
    text = mem_format("/%s/info/refs?service=%s", repository, service);
    asked = ask(question, GITHUB_ENDPOINT_WEB, METHOD_GET, text, error);
    mem_free(text);
    if (asked && operation_traits(question->operation.kind)->access == ACCESS_NONE)
        return error_set(error, "`%s` is not OWNER/NAME", repository);
    return asked;
}

// The refs of a push, after the push as such.
static bool ask_refs(struct question *question, enum ref_change change, char *const *refs, size_t count,
                     struct error *error)
{
    const struct rule *rule = question->decision.rule;

    for (size_t i = 0; i < count; i++) {
        if (!push_ref_valid(bytes_of_string(refs[i])))
            return error_set(error, "`%s` is no ref: write it from `refs/` on, as `refs/heads/main`", refs[i]);
        if (!question->allowed || policy_decide_ref(rule, bytes_of_string(refs[i]), change, &question->verdict))
            continue;
        question->allowed = false;
        if (question->verdict.reason != REASON_CREATE_DENIED)
            question->patterns = change == REF_DELETE ? &rule->delete : &rule->push;
    }
    return true;
}

static bool ask_push(struct question *question, enum ref_change change, char *const *words, size_t count,
                     struct error *error)
{
    return ask_git(question, words[0], "git-receive-pack", error) &&
           ask_refs(question, change, words + 1, count - 1, error);
}

static bool ask_lfs(struct question *question, const char *what, const char *repository, const char *ref,
                    struct error *error)
{
    bool lock = strcmp(what, "lock") == 0, upload = strcmp(what, "upload") == 0;
    char *text;
    bool asked;

    if (!lock && !upload && strcmp(what, "download") != 0)
        return error_set(error, "`%s` is not download, upload or lock", what);
    if (ref && !push_ref_valid(bytes_of_string(ref)))
        return error_set(error, "`%s` is no ref: write it from `refs/` on, as `refs/heads/main`", ref);
    text = mem_format("/%s/info/lfs/%s", repository, lock ? "locks" : "objects/batch");
    asked = ask(question, GITHUB_ENDPOINT_WEB, METHOD_POST, text, error);
    mem_free(text);
    if (!asked)
        return false;
    if (operation_traits(question->operation.kind)->access == ACCESS_NONE)
        return error_set(error, "`%s` is not OWNER/NAME", repository);
    if (!question->allowed)
        return true;
    policy_decide_lfs(&question->operation, lock || upload, bytes_of_string(ref), &question->decision);
    question->allowed = question->decision.decision != DECISION_DENY;
    question->verdict = question->decision.verdict;
    if (!question->allowed && question->verdict.reason == REASON_REF_DENIED)
        question->patterns = &question->decision.rule->push;
    return true;
}

static bool ask_api(struct question *question, const char *method, const char *path, struct error *error)
{
    static const char *const methods[] = {
        [METHOD_GET] = "GET",     [METHOD_HEAD] = "HEAD",     [METHOD_POST] = "POST",       [METHOD_PUT] = "PUT",
        [METHOD_PATCH] = "PATCH", [METHOD_DELETE] = "DELETE", [METHOD_OPTIONS] = "OPTIONS",
    };

    for (size_t i = METHOD_GET; i < GL_ARRAY_SIZE(methods); i++)
        if (strcasecmp(method, methods[i]) == 0)
            return ask(question, GITHUB_ENDPOINT_API, (enum head_method)i, path, error);
    return error_set(error, "`%s` is not a method that GitHub's API has", method);
}

static bool ask_graphql(struct question *question, const char *owner, struct error *error)
{
    if (!ask(question, GITHUB_ENDPOINT_API, METHOD_POST, "/graphql", error))
        return false;
    policy_decide_graphql(question->rules, &question->operation, bytes_of_string(owner), &question->decision);
    question->allowed = question->decision.decision != DECISION_DENY;
    question->verdict = question->decision.verdict;
    return true;
}

// The line of explanation_usage that is about a verb, without its remark; empty: none.
static struct bytes usage_of(const char *verb)
{
    struct bytes line, word, after, rest = bytes_of_string(explanation_usage);
    const char *remark;

    while (bytes_cut(rest, '\n', &line, &rest)) {
        bytes_cut(line, ' ', &word, &after);
        if (bytes_equal(word, bytes_of_string(verb))) {
            remark = memmem(line.data, line.size, "  ", 2);
            return bytes_of(line.data, remark ? (size_t)(remark - line.data) : line.size);
        }
    }
    return bytes_of(NULL, 0);
}

// Too few words, too many, or a first one that is none of ours.
static bool refuse_words(const char *verb, size_t count, struct error *error)
{
    struct bytes usage = usage_of(verb), word, rest = usage;

    if (count == 0)
        return error_set(error, "--explain: OPERATION is missing: fetch, push, create, delete, lfs, api or graphql");
    if (usage.size == 0)
        return error_set(error, "`%s` is no OPERATION: it is fetch, push, create, delete, lfs, api or graphql", verb);
    for (size_t i = 0; i <= count; i++)
        bytes_cut(rest, ' ', &word, &rest);
    if (word.size > 0)
        return error_set(error, "after `%s`, %.*s is missing: write `%.*s`", verb, (int)word.size, word.data,
                         (int)usage.size, usage.data);
    return error_set(error, "after `%s` there are too many words: write `%.*s`", verb, (int)usage.size, usage.data);
}

static bool ask_words(struct question *question, char *const *words, size_t count, struct error *error)
{
    const char *verb = count ? words[0] : "";

    if (strcmp(verb, "fetch") == 0 && count == 2)
        return ask_git(question, words[1], "git-upload-pack", error);
    if (strcmp(verb, "push") == 0 && count >= 2)
        return ask_push(question, REF_UPDATE, words + 1, count - 1, error);
    if (strcmp(verb, "create") == 0 && count >= 3)
        return ask_push(question, REF_CREATE, words + 1, count - 1, error);
    if (strcmp(verb, "delete") == 0 && count >= 3)
        return ask_push(question, REF_DELETE, words + 1, count - 1, error);
    if (strcmp(verb, "lfs") == 0 && (count == 3 || count == 4))
        return ask_lfs(question, words[1], words[2], count == 4 ? words[3] : NULL, error);
    if (strcmp(verb, "api") == 0 && count == 3)
        return ask_api(question, words[1], words[2], error);
    if (strcmp(verb, "graphql") == 0 && count <= 2)
        return ask_graphql(question, count == 2 ? words[1] : NULL, error);
    return refuse_words(verb, count, error);
}

static void append_rule(const struct question *question, const int *lines, struct text *out)
{
    const struct rule *rule = question->decision.rule;

    if (!question->rules->present) {
        text_append(out, "  rule: none, `repositories` is absent and allows everything\n");
    } else if (rule) {
        text_format(out, "  rule: %s", rule->match);
        if (lines)
            text_format(out, " (line %d)", lines[rule - question->rules->rules]);
        text_append_char(out, '\n');
    } else if (operation_has_repository(&question->operation)) {
        text_format(out, "  rule: none matches, `other_repositories: %s` decides\n",
                    question->rules->other == OTHER_REPOSITORIES_DENY ? "deny" : "anonymous");
    }
}

static void append_token(const struct scope *scope, struct text *out)
{
    // A name and a level each, and PERMISSIONS_MAX of them.
    char permissions[PERMISSIONS_MAX * (PERMISSION_NAME_SIZE + sizeof("=write,"))];
    const char *owner = scope->repository.owner[0] ? scope->repository.owner : "the App's only installation";

    if (!git_host_is_github(scope->host)) {
        text_format(out, "  credential: that of %s\n", scope->host->web);
        return;
    }
    permissions_format(&scope->permissions, permissions, sizeof(permissions));
    text_append(out, "  token: for ");
    if (scope->reach == SCOPE_REPOSITORY)
        text_format(out, "%s/%s", owner, scope->repository.name);
    else
        text_format(out, "%s of %s", scope->reach == SCOPE_SET ? "the repositories that the rules name" : "all", owner);
    if (scope->all_permissions)
        text_append(out, ", with all that the installation grants\n");
    else
        text_format(out, ", with %s\n", permissions[0] ? permissions : "metadata:read");
}

static void append_refusal(const struct question *question, struct text *out)
{
    const struct verdict *verdict = &question->verdict;

    text_format(out, "  reason: %s [%s]\n", verdict->sentence, reason_row(verdict->reason)->code);
    for (size_t i = 0; question->patterns && i < question->patterns->count; i++)
        text_format(out, "  allowed: %s\n", question->patterns->patterns[i]);
    text_format(out, "  remedy: %s\n", reason_row(verdict->reason)->remedy);
}

enum explanation_result explanation_append(const struct rules *rules, const int *lines, const struct git_host *host,
                                           char *const *words, size_t count, struct text *out, struct error *ret_error)
{
    struct question question = {.rules = rules, .host = host};

    if (!ask_words(&question, words, count, ret_error))
        return EXPLANATION_BAD;
    for (size_t i = 0; i < count; i++)
        text_format(out, "%s%s", i ? " " : "", words[i]);
    if (!question.allowed) {
        text_append(out, ": denied\n");
        append_refusal(&question, out);
        append_rule(&question, lines, out);
        return EXPLANATION_DENIED;
    }
    text_append(out, question.decision.decision == DECISION_ANONYMOUS ? ": anonymous\n" : ": allowed\n");
    append_rule(&question, lines, out);
    if (question.decision.decision == DECISION_ALLOW)
        append_token(&question.decision.scope, out);
    return EXPLANATION_ALLOWED;
}
