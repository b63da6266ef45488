// A request and what becomes of it, in one line each: the path from the request line to the token, through
// the real target_parse, github_operation_parse and policy_decide.
#ifndef GITLATCH_POLICY_CASE_H
#define GITLATCH_POLICY_CASE_H

#include "cmocka_unit.h"
#include "github_operation.h"
#include "policy.h"
#include "target.h"

// Room for what became of a request.
#define POLICY_CASE_SIZE 512

struct policy_case {
    char host; // w: github.com, a: api.github.com, u: uploads.github.com, s: an Enterprise Server
    const char *method;
    const char *target;
    // "target": target_parse refuses it. "no token": sent on without one. A reason's code: refused. Else the
    // token: "acme/widgets contents:read", "set acme issues:read", "installation * all".
    const char *expected;
};

struct policy_hosts {
    struct github_host dotcom;
    struct github_host server;
};

static inline void policy_hosts_init(struct policy_hosts *hosts, const char *default_owner)
{
    assert_true(github_host_init(&hosts->dotcom, "github.com", NULL, default_owner, NULL));
    assert_true(github_host_init(&hosts->server, "ghe.corp", NULL, default_owner, NULL));
}

static inline void policy_hosts_clear(struct policy_hosts *hosts)
{
    github_host_clear(&hosts->dotcom);
    github_host_clear(&hosts->server);
}

static inline enum head_method policy_case_method(const char *name)
{
    static const char *const names[] = {"", "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"};

    for (size_t i = METHOD_GET; i < GL_ARRAY_SIZE(names); i++)
        if (strcmp(names[i], name) == 0)
            return (enum head_method)i;
    return METHOD_OTHER;
}

static inline const char *policy_case_describe(const struct policy_decision *decision, char text[POLICY_CASE_SIZE])
{
    static const char *const reaches[] = {"", "set ", "installation "};
    const struct scope *scope = &decision->scope;
    char permissions[256] = "all";

    if (decision->decision == DECISION_DENY)
        return reason_row(decision->verdict.reason)->code;
    if (decision->decision == DECISION_ANONYMOUS)
        return "no token";
    if (!scope->all_permissions && scope->permissions.count == 0)
        snprintf(permissions, sizeof(permissions), "none");
    else if (!scope->all_permissions)
        permissions_format(&scope->permissions, permissions, sizeof(permissions));
    snprintf(text, POLICY_CASE_SIZE, "%s%s%s%s %s", reaches[scope->reach],
             scope->repository.owner[0] ? scope->repository.owner : "*", scope->reach == SCOPE_REPOSITORY ? "/" : "",
             scope->repository.name, permissions);
    return text;
}

// What becomes of the request; `text` is room for it.
static inline const char *policy_case_run(const struct policy_hosts *hosts, const struct rules *rules,
                                          const struct policy_case *request, char text[POLICY_CASE_SIZE])
{
    const struct github_host *host = request->host == 's' ? &hosts->server : &hosts->dotcom;
    enum github_endpoint endpoint = request->host == 'a'   ? GITHUB_ENDPOINT_API
                                    : request->host == 'u' ? GITHUB_ENDPOINT_UPLOADS
                                                           : GITHUB_ENDPOINT_WEB;
    enum head_method method = policy_case_method(request->method);
    struct policy_decision decision;
    struct operation operation;
    struct verdict verdict;
    struct target target;

    if (!target_parse(method, bytes_of_string(request->target), &target, NULL))
        return "target";
    if (!github_operation_parse(host, endpoint, method, &target, &operation, &verdict))
        return reason_row(verdict.reason)->code;
    policy_decide(rules, &operation, &decision);
    return policy_case_describe(&decision, text);
}

// Runs all cases; every one that comes out otherwise is printed, then the test fails.
static inline void policy_cases_check(const struct policy_hosts *hosts, const struct rules *rules,
                                      const struct policy_case *cases, size_t count)
{
    size_t wrong = 0;

    for (size_t i = 0; i < count; i++) {
        char text[POLICY_CASE_SIZE];
        const char *seen = policy_case_run(hosts, rules, &cases[i], text);

        if (strcmp(seen, cases[i].expected) == 0)
            continue;
        print_error("%c %s %s: expected \"%s\", got \"%s\"\n", cases[i].host, cases[i].method, cases[i].target,
                    cases[i].expected, seen);
        wrong++;
    }
    assert_int_equal(wrong, 0);
}

#endif
