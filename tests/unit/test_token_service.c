// Sources in their order, sets, repositories by id, time limits, reload, check.
#include "github_answer.h"
#include "token_fixture.h"

static char variable[] = "GITLATCH_UNIT_TOKEN";

static struct credential_options environment(void)
{
    return (struct credential_options){.type = CREDENTIAL_ENVIRONMENT, .name = variable};
}

static struct scope scope_used(const struct token_fixture *fixture, enum scope_use use, bool ruled)
{
    struct scope scope = token_scope(fixture, "acme/widgets", "contents", PERMISSION_READ);

    scope.use = use;
    scope.ruled = ruled;
    return scope;
}

// What becomes of a request when the App fails in each way, and the next source has a token.

struct pass_case {
    struct fake_fault fault;
    const char *reason; // "": the next source served
    const char *reason_if_also;
};

#define FAULT(status_, body_)                                                                                          \
    {                                                                                                                  \
        .match = "/", .count = 1000, .status = status_, .body = "{\"message\":\"" body_ "\"}"                          \
    }

static const struct pass_case pass_cases[] = {
    {{.match = "/", .count = 1000, .result = HTTP_UNREACHABLE}, "", ""},
    {{.match = "/", .count = 1000, .result = HTTP_TIMED_OUT}, "", ""},
    {FAULT(503, "Unavailable"), "", ""},
    {FAULT(403, "API rate limit exceeded"), "", ""},
    {FAULT(404, "Not Found"), "", ""},
    {FAULT(403, "This installation has been suspended"), "suspended", ""},
    {FAULT(403, "the organization has an IP allow list enabled"), "ip_allow_list", ""},
    {FAULT(401, "A JSON web token could not be decoded"), "app_key", ""},
    {FAULT(422, "a repository that does not exist or is not accessible to the parent installation"), "not_covered", ""},
    {FAULT(422, "The permissions requested are not granted to this installation"), "not_granted", ""},
    {{.match = "/", .count = 1000, .result = HTTP_UNTRUSTED}, "upstream_tls", ""},
    {FAULT(200, "what?"), "token_source", ""},
};

static void passed_over_or_not(void **state)
{
    struct token_fixture *fixture = *state;

    setenv(variable, "ghp_operator", 1);
    for (size_t i = 0; i < GL_ARRAY_SIZE(pass_cases); i++) {
        for (int also = 0; also < 2; also++) {
            struct credential_options credentials[] = {fixture->app, environment()};
            credentials[1].also_when_refused = also;
            token_fixture_serve(fixture, credentials, 2);
            fixture->github.fault = pass_cases[i].fault;
            struct token_asker asker = token_ask_read(fixture, "acme/widgets");
            assert_string_equal(token_reason(&asker), also ? pass_cases[i].reason_if_also : pass_cases[i].reason);
            if (*asker.token) {
                assert_string_equal(asker.token, "ghp_operator");
                assert_string_equal(asker.source, "environment");
                assert_true(asker.given->granted.wide);
            }
            token_service_unref(fixture->service);
            fixture->service = NULL;
        }
    }
}

static void the_first_that_serves_is_taken(void **state)
{
    struct token_fixture *fixture = *state;
    struct credential_options credentials[] = {environment(), fixture->app};

    unsetenv(variable);
    token_fixture_serve(fixture, credentials, 2);
    assert_string_equal(token_ask_read(fixture, "acme/widgets").source, "app");
}

static void what_tells_most_is_shown(void **state)
{
    struct token_fixture *fixture = *state;
    struct credential_options credentials[] = {fixture->app, environment()};
    struct token_asker asker;

    unsetenv(variable);
    token_fixture_serve(fixture, credentials, 2);
    asker = token_ask_read(fixture, "initech/tps");
    assert_string_equal(token_reason(&asker), "not_installed");
    struct scope elsewhere = token_scope(fixture, "acme/widgets", NULL, PERMISSION_NONE);
    elsewhere.host = &fixture->other_host.git;
    asker = token_ask(fixture, &elsewhere);
    assert_string_equal(token_reason(&asker), "no_credential");
}

static void sources_are_of_one_host(void **state)
{
    struct token_fixture *fixture = *state;
    char host[] = "ghe.corp";
    struct credential_options credentials[] = {fixture->app, environment()};

    setenv(variable, "ghp_operator", 1);
    credentials[1].host = host;
    token_fixture_serve(fixture, credentials, 2);
    struct scope scope = token_scope(fixture, "acme/widgets", NULL, PERMISSION_NONE);
    assert_string_equal(token_ask(fixture, &scope).source, "app");
    scope.host = &fixture->other_host.git;
    assert_string_equal(token_ask(fixture, &scope).source, "environment");
}

static void a_wide_token_does_not_pass_round_rules(void **state)
{
    static const struct {
        enum scope_use use;
        bool ruled, wide_api;
        const char *reason;
    } cases[] = {
        {SCOPE_USE_GIT, true, false, ""},           {SCOPE_USE_API_READ, true, false, ""},
        {SCOPE_USE_API, true, false, "wide_token"}, {SCOPE_USE_API, true, true, ""},
        {SCOPE_USE_API, false, false, ""},
    };
    struct token_fixture *fixture = *state;

    setenv(variable, "ghp_operator", 1);
    for (size_t i = 0; i < GL_ARRAY_SIZE(cases); i++) {
        struct credential_options credential = environment();
        credential.wide_api = cases[i].wide_api;
        token_fixture_serve(fixture, &credential, 1);
        struct scope scope = scope_used(fixture, cases[i].use, cases[i].ruled);
        struct token_asker asker = token_ask(fixture, &scope);
        assert_string_equal(token_reason(&asker), cases[i].reason);
        // A set and an installation are API calls as well.
        scope.reach = SCOPE_SET;
        asker = token_ask(fixture, &scope);
        assert_string_equal(token_reason(&asker), cases[i].reason);
        token_service_unref(fixture->service);
        fixture->service = NULL;
    }
    assert_int_equal(fixture->github.calls, 0);
}

// Sets.

static bool includes_prefix(const void *rules, const struct repository_name *name)
{
    return strncmp(name->name, rules, strlen(rules)) == 0;
}

static struct scope set_of(const struct token_fixture *fixture, const char *prefix)
{
    struct scope scope = {.host = &fixture->host.git, .reach = SCOPE_SET, .use = SCOPE_USE_API, .ruled = true};

    snprintf(scope.repository.owner, sizeof(scope.repository.owner), "acme");
    assert_true(permissions_add(&scope.permissions, BYTES("issues"), PERMISSION_READ));
    scope.includes = includes_prefix;
    scope.rules = prefix;
    return scope;
}

static void a_set_is_enumerated(void **state)
{
    struct token_fixture *fixture = *state;
    struct scope scope = set_of(fixture, "w");

    token_fixture_serve(fixture, &fixture->app, 1);
    struct token_asker asker = token_ask(fixture, &scope);
    assert_string_equal(asker.repositories, "1001:acme/widgets");
    assert_string_equal(fixture->github.last_body, "{\"permissions\":{\"issues\":\"read\"},\"repository_ids\":[1001]}");
    assert_string_equal(fixture->event_scope, "acme (1 repositories) issues:read");
    // The listing had a token of its own, which is not given to anybody.
    assert_int_equal(fixture->github.mints, 2);
    assert_string_equal(asker.token, "ghs_2");
    // Kept five minutes.
    scope = set_of(fixture, "");
    assert_string_equal(token_ask(fixture, &scope).repositories, "1001:acme/widgets 1002:acme/gadgets");
    assert_int_equal(fixture->github.lists, 1);
    token_fixture_run(fixture, 5 * MINUTE_MS);
    fixture->github.repositories[3] = (struct fake_repository){.id = 1004, .owner = "Acme", .name = "wheels"};
    scope = set_of(fixture, "w");
    assert_string_equal(token_ask(fixture, &scope).repositories, "1001:acme/widgets 1004:acme/wheels");
    assert_int_equal(fixture->github.lists, 2);
}

static void a_set_of_many_pages(void **state)
{
    struct token_fixture *fixture = *state;
    struct scope scope = set_of(fixture, "many-");
    struct token_asker asker;

    fixture->github.many = 500;
    token_fixture_serve(fixture, &fixture->app, 1);
    asker = token_ask(fixture, &scope);
    assert_int_equal(asker.given->granted.repository_count, 500);
    assert_int_equal(fixture->github.lists, 6);
    token_fixture_run(fixture, 6 * MINUTE_MS);
    fixture->github.many = 501;
    asker = token_ask(fixture, &scope);
    assert_string_equal(token_reason(&asker), "set");
    assert_int_equal(verdict_status(&asker.verdict), 403);
}

static void an_empty_set_is_no_token(void **state)
{
    struct token_fixture *fixture = *state;
    struct scope scope = set_of(fixture, "nothing");

    token_fixture_serve(fixture, &fixture->app, 1);
    struct token_asker asker = token_ask(fixture, &scope);
    assert_string_equal(token_reason(&asker), "not_covered");
    assert_int_equal(fixture->github.mints, 1); // for the listing
}

static size_t names_in_rules(const void *rules, const char *owner, struct repository_name *ret_names, size_t room)
{
    const char *const *names = rules;
    size_t count = 0;

    for (; names[count] && count < room; count++)
        assert_true(repository_name_parse(bytes_of_string(owner), bytes_of_string(names[count]), &ret_names[count]));
    return count;
}

static bool included_in_rules(const void *rules, const struct repository_name *name)
{
    for (const char *const *names = rules; *names; names++) {
        if (strcmp(*names, name->name) == 0)
            return true;
    }
    return false;
}

static void names_need_no_enumeration(void **state)
{
    struct token_fixture *fixture = *state;
    const char *const both[] = {"widgets", "gadgets", NULL}, *const one_not_there[] = {"widgets", "missing", NULL};
    struct scope scope = set_of(fixture, "");

    token_fixture_serve(fixture, &fixture->app, 1);
    scope.names = names_in_rules;
    scope.includes = included_in_rules;
    scope.rules = both;
    assert_string_equal(token_ask(fixture, &scope).repositories, "1002:acme/gadgets 1001:acme/widgets");
    assert_string_equal(fixture->github.last_body,
                        "{\"permissions\":{\"issues\":\"read\"},\"repositories\":[\"gadgets\",\"widgets\"]}");
    assert_int_equal(fixture->github.lists, 0);
    // GitHub refuses all where one name is not there.
    scope.rules = one_not_there;
    assert_string_equal(token_ask(fixture, &scope).repositories, "1001:acme/widgets");
    assert_int_equal(fixture->github.lists, 1);
}

static void many_sets_are_one_enumeration(void **state)
{
    struct token_fixture *fixture = *state;
    struct scope scope = set_of(fixture, "");
    struct token_asker askers[20] = {0};

    token_fixture_serve(fixture, &fixture->app, 1);
    for (size_t i = 0; i < GL_ARRAY_SIZE(askers); i++)
        askers[i].request = token_service_ask(fixture->service, &scope, token_asker_done, &askers[i]);
    token_fixture_run(fixture, SECOND_MS / 4);
    token_request_cancel(askers[3].request);
    token_fixture_run(fixture, 5 * SECOND_MS);
    for (size_t i = 0; i < GL_ARRAY_SIZE(askers); i++)
        assert_int_equal(*askers[i].token != '\0', i != 3);
    assert_int_equal(fixture->github.lists, 1);
    assert_int_equal(fixture->github.mints, 2);
}

static void a_listing_that_fails_is_said(void **state)
{
    struct token_fixture *fixture = *state;
    struct scope scope = set_of(fixture, "");
    struct token_asker asker;

    token_fixture_serve(fixture, &fixture->app, 1);
    fixture->github.fault = (struct fake_fault){.match = "/installation/repositories", .count = 1, .status = 502};
    asker = token_ask(fixture, &scope);
    assert_string_equal(token_reason(&asker), "token_unreachable");
    token_fixture_run(fixture, 10 * SECOND_MS);
    assert_true(*token_ask(fixture, &scope).token);
    // A listing's own token that is taken away under us is replaced.
    memset(fixture->github.token_installation, 0, sizeof(fixture->github.token_installation));
    token_fixture_run(fixture, 6 * MINUTE_MS);
    asker = token_ask(fixture, &scope);
    assert_string_equal(token_reason(&asker), "bad_credential");
    token_fixture_run(fixture, 10 * SECOND_MS);
    assert_true(*token_ask(fixture, &scope).token);
}

// Repositories by id.

struct finder {
    const struct fake_github *github;
    unsigned answers;
    char name[200];
};

static void on_found(void *arg, const struct repository_name *name)
{
    struct finder *finder = arg;

    // Not from inside the transport, which may go with the last reference to the service.
    assert_int_equal(finder->github->pending, 0);
    finder->answers++;
    if (name)
        snprintf(finder->name, sizeof(finder->name), "%s/%s", name->owner, name->name);
}

static struct finder find(struct token_fixture *fixture, const char *owner, uint64_t id)
{
    struct finder finder = {.github = &fixture->github};
    struct token_request *request =
        token_service_find_repository(fixture->service, &fixture->host.git, owner, id, on_found, &finder);

    assert_non_null(request);
    assert_int_equal(finder.answers, 0);
    token_fixture_run(fixture, 5 * SECOND_MS);
    assert_int_equal(finder.answers, 1);
    return finder;
}

static void ids_are_known_from_mints(void **state)
{
    struct token_fixture *fixture = *state;
    struct repository_name name;

    token_fixture_serve(fixture, &fixture->app, 1);
    assert_false(token_service_repository(fixture->service, &fixture->host.git, 1001, &name));
    token_ask_read(fixture, "acme/widgets");
    assert_true(token_service_repository(fixture->service, &fixture->host.git, 1001, &name));
    assert_string_equal(name.name, "widgets");
    assert_false(token_service_repository(fixture->service, &fixture->other_host.git, 1001, &name));
    unsigned calls = fixture->github.calls;
    assert_string_equal(find(fixture, "acme", 1001).name, "acme/widgets");
    assert_int_equal(fixture->github.calls, calls);
}

static void an_unknown_id_is_looked_up_once(void **state)
{
    struct token_fixture *fixture = *state;

    token_fixture_serve(fixture, &fixture->app, 1);
    assert_string_equal(find(fixture, "acme", 1002).name, "acme/gadgets");
    unsigned calls = fixture->github.calls;
    assert_string_equal(find(fixture, "acme", 1002).name, "acme/gadgets");
    assert_int_equal(fixture->github.calls, calls);
    assert_string_equal(find(fixture, "acme", 7).name, "");
    assert_string_equal(find(fixture, "acme", 7).name, "");
    assert_int_equal(fixture->github.calls, calls + 1);
    assert_string_equal(find(fixture, "initech", 8).name, "");
}

static void a_lookup_can_be_cancelled(void **state)
{
    struct token_fixture *fixture = *state;

    token_fixture_serve(fixture, &fixture->app, 1);
    // At each of its steps: finding the installation, minting, looking up.
    for (int64_t ms = 0; ms < 500; ms += 50) {
        struct finder finder = {.github = &fixture->github};
        struct token_request *request =
            token_service_find_repository(fixture->service, &fixture->host.git, "acme", 5000, on_found, &finder);
        token_fixture_run(fixture, ms);
        bool cancelled = finder.answers == 0;
        if (cancelled)
            token_request_cancel(request);
        token_fixture_run(fixture, 70);
        assert_int_equal(finder.answers, !cancelled);
    }
    token_fixture_run(fixture, 5 * SECOND_MS);
}

// Time.

static void nobody_waits_longer_than_the_limit(void **state)
{
    struct token_fixture *fixture = *state;
    struct token_asker asker;

    token_fixture_serve(fixture, &fixture->app, 1);
    fixture->github.latency_ms = 40 * SECOND_MS;
    int64_t began_ms = fixture->manual.mono_now.ms;
    asker = token_ask_read(fixture, "acme/widgets");
    assert_string_equal(token_reason(&asker), "token_timeout");
    assert_int_equal(verdict_status(&asker.verdict), 503);
    assert_in_range(fixture->manual.mono_now.ms - began_ms, 30 * SECOND_MS, 30 * SECOND_MS + 200);
    // What was under way goes on, and serves the next.
    token_fixture_run(fixture, 60 * SECOND_MS);
    assert_true(*token_ask_read(fixture, "acme/widgets").token);
}

static void who_goes_is_not_called(void **state)
{
    struct token_fixture *fixture = *state;
    struct scope scope = token_scope(fixture, "acme/widgets", "contents", PERMISSION_READ);

    token_fixture_serve(fixture, &fixture->app, 1);
    for (int64_t ms = 0; ms < 400; ms += 20) {
        struct token_asker asker = {0};
        asker.request = token_service_ask(fixture->service, &scope, token_asker_done, &asker);
        token_fixture_run(fixture, ms < 200 ? ms : 0);
        if (!asker.answers)
            token_request_cancel(asker.request);
        unsigned answers = asker.answers;
        token_fixture_run(fixture, 0);
        assert_int_equal(asker.answers, answers);
    }
    token_fixture_run(fixture, SECOND_MS);
}

static void a_revoked_token_is_replaced(void **state)
{
    struct token_fixture *fixture = *state;
    struct token_asker asker;

    token_fixture_serve(fixture, &fixture->app, 1);
    asker = token_ask_read(fixture, "acme/widgets");
    token_service_rejected(fixture->service, asker.given);
    asker = token_ask_read(fixture, "acme/widgets");
    assert_string_equal(asker.token, "ghs_2");
    assert_in_range(token_age_ms(asker.given, fixture->manual.mono_now), 0, 200);
}

// What is there is given at once: the same token that asking gives, and never one that asking would not give.
static void what_is_there_is_seen(void **state)
{
    struct token_fixture *fixture = *state;
    struct scope scope = token_scope(fixture, "acme/widgets", "contents", PERMISSION_READ);
    struct token *token;
    struct token_asker asker;

    token_fixture_serve(fixture, &fixture->app, 1);
    assert_null(token_service_look(fixture->service, &scope));
    asker = token_ask(fixture, &scope);
    assert_non_null(token = token_service_look(fixture->service, &scope));
    assert_true(secret_equal(token->value, bytes_of_string(asker.token)));
    assert_string_equal(source_id_name(token->source), "app");
    assert_false(token->granted.wide);
    struct scope other = token_scope(fixture, "acme/widgets", "contents", PERMISSION_WRITE);
    assert_null(token_service_look(fixture->service, &other));
    other = scope;
    other.host = &fixture->other_host.git;
    assert_null(token_service_look(fixture->service, &other));
    // A look is a use: the token is made anew ahead of its end, as for who asks.
    token_fixture_run(fixture, 48 * MINUTE_MS);
    assert_non_null(token = token_service_look(fixture->service, &scope));
    unsigned mints = fixture->github.mints;
    token_fixture_run(fixture, 4 * MINUTE_MS);
    assert_int_equal(fixture->github.mints, mints + 1);
    assert_non_null(token = token_service_look(fixture->service, &scope));
    token_service_rejected(fixture->service, token);
    assert_null(token_service_look(fixture->service, &scope));
    // Unused it comes to its end; one that is near it is asked for.
    token_ask(fixture, &scope);
    token_fixture_run(fixture, 55 * MINUTE_MS);
    assert_null(token_service_look(fixture->service, &scope));
}

static void a_wide_one_is_not_seen_past_the_rules(void **state)
{
    struct token_fixture *fixture = *state;
    struct credential_options credential = environment();
    struct token *token;

    setenv(variable, "ghp_operator", 1);
    token_fixture_serve(fixture, &credential, 1);
    struct scope scope = scope_used(fixture, SCOPE_USE_GIT, true);
    token_ask(fixture, &scope);
    assert_non_null(token = token_service_look(fixture->service, &scope));
    scope = scope_used(fixture, SCOPE_USE_API, true);
    assert_null(token_service_look(fixture->service, &scope));
}

// Reload.

static void a_reload_keeps_what_is_good(void **state)
{
    struct token_fixture *fixture = *state;
    struct credential_options credentials[] = {environment(), fixture->app};
    struct repository_name name;
    struct token_asker asker = {0};

    token_fixture_serve(fixture, &fixture->app, 1);
    token_ask_read(fixture, "acme/widgets");
    struct token_service *old = fixture->service;
    struct scope other = token_scope(fixture, "acme/gadgets", "contents", PERMISSION_READ);
    asker.request = token_service_ask(old, &other, token_asker_done, &asker);

    unsetenv(variable);
    token_fixture_serve(fixture, credentials, 2);
    token_service_adopt(fixture->service, old);
    token_service_unref(old);
    unsigned mints = fixture->github.mints;
    assert_string_equal(token_ask_read(fixture, "acme/widgets").token, "ghs_1");
    assert_int_equal(fixture->github.mints - mints, 1); // of what the old one had in flight
    assert_string_equal(asker.token, "ghs_2");
    assert_true(token_service_repository(fixture->service, &fixture->host.git, 1001, &name));
    text_clear(&fixture->github.log);
    token_ask_read(fixture, "acme/gadgets");
    assert_string_equal(text_string(&fixture->github.log), "POST /app/installations/42/access_tokens\n");
}

// What the status page and `check` say.

static void it_describes_itself(void **state)
{
    struct token_fixture *fixture = *state;
    struct credential_options credentials[] = {fixture->app, environment()};
    struct text text = {0};

    setenv(variable, "ghp_operator", 1);
    token_fixture_serve(fixture, credentials, 2);
    token_ask_read(fixture, "initech/tps");
    token_service_describe(fixture->service, &text);
    assert_non_null(
        strstr(text_string(&text), "\"state\":\"no token yet\",\"wide\":false,\"tokens\":0,\"failing\":1,"));
    text_clear(&text);
    token_ask_read(fixture, "acme/widgets");
    token_service_describe(fixture->service, &text);
    assert_string_equal(
        text_string(&text),
        "[{\"source\":\"app\",\"type\":\"app\",\"host\":\"github.com\",\"state\":\"serving\",\"wide\":false,"
        "\"tokens\":1,\"failing\":1,\"failing_for\":\"initech/tps contents:read\",\"failing_because\":\"the GitHub App is "
        "not installed for initech\",\"first_expires_at\":\"2025-11-24T17:00:00Z\"},"
        "{\"source\":\"environment\",\"type\":\"environment\",\"host\":\"github.com\",\"state\":\"serving\","
        "\"wide\":true,\"tokens\":1,\"failing\":0}]");
    text_free(&text);
}

static struct text said;

static void on_line(void *arg, const struct token_test_line *line)
{
    text_format(&said, "%s %s: %s\n", line->ok ? "ok" : "no", line->source, line->text);
}

static void on_grant(void *arg, const char *source, const struct github_host *host, const struct github_grant *grant)
{
    char permissions[256];

    permissions_format(&grant->permissions, permissions, sizeof(permissions));
    text_format(&said, "%s at %s has of %s: %s\n", source, host->web, grant->installation.owner,
                grant->readable ? permissions : "what cannot be read");
}

static void on_tested(void *arg, bool ok)
{
    text_format(&said, "%s\n", ok ? "all ok" : "not ok");
}

static const struct token_test_callbacks tester = {NULL, on_line, on_grant, on_tested};

static void check_tries_each(void **state)
{
    struct token_fixture *fixture = *state;
    struct credential_options credentials[] = {fixture->app, environment(), environment()};
    char unset[] = "GITLATCH_UNIT_UNSET";

    setenv(variable, "ghp_operator", 1);
    unsetenv(unset);
    credentials[2].name = unset;
    token_fixture_serve(fixture, credentials, 3);
    text_clear(&said);
    assert_non_null(token_service_test(fixture->service, &tester));
    token_fixture_run(fixture, 10 * SECOND_MS);
    assert_string_equal(
        text_string(&said),
        "ok app: GitHub takes the App's key; it is installed for acme, globex\n"
        "app at github.com has of acme: contents:write\n"
        "app at github.com has of globex: contents:write\n"
        "ok app: api.github.com takes the token (4999 requests left in this hour)\n"
        "no environment: GitHub does not accept the credential; api.github.com said 401: Bad credentials; it has "
        "ended, was revoked or is not whole: make a new one (https://github.com/settings/tokens)\n"
        "no environment-2: the variable GITLATCH_UNIT_UNSET is not set: `export GITLATCH_UNIT_UNSET=TOKEN` where "
        "gitlatch is started\n"
        "not ok\n");
    text_free(&said);
}

static void check_says_what_is_wrong(void **state)
{
    struct token_fixture *fixture = *state;

    fixture->github.fault = (struct fake_fault){
        .match = "/", .count = 9, .status = 401, .body = "{\"message\":\"A JSON web token could not be decoded\"}"};
    token_fixture_serve(fixture, &fixture->app, 1);
    text_clear(&said);
    assert_non_null(token_service_test(fixture->service, &tester));
    token_fixture_run(fixture, 10 * SECOND_MS);
    assert_string_equal(
        text_string(&said),
        "no app: the private key is not a key of the App that `app_id` names: take both from one App's settings; api.github.com said 401: A JSON "
        "web token could not be decoded\nnot ok\n");
    text_free(&said);
    struct token_test *test = token_service_test(fixture->service, &tester);
    token_fixture_run(fixture, 50);
    token_test_cancel(test);
    assert_int_equal(said.size, 0);
}

static void a_host_that_is_none_is_refused(void **state)
{
    struct token_fixture *fixture = *state;
    char host[] = "ghe.other";
    struct token_host hosts[2];
    struct token_service_options options = token_fixture_options(fixture, &fixture->app, 1, hosts);
    struct error error;

    fixture->app.host = host;
    assert_null(token_service_new(&options, &error));
    assert_string_equal(error.text, "credential 1: no `github` has the host ghe.other");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TOKEN_TEST(passed_over_or_not),
        TOKEN_TEST(the_first_that_serves_is_taken),
        TOKEN_TEST(what_tells_most_is_shown),
        TOKEN_TEST(sources_are_of_one_host),
        TOKEN_TEST(a_wide_token_does_not_pass_round_rules),
        TOKEN_TEST(a_set_is_enumerated),
        TOKEN_TEST(a_set_of_many_pages),
        TOKEN_TEST(an_empty_set_is_no_token),
        TOKEN_TEST(names_need_no_enumeration),
        TOKEN_TEST(many_sets_are_one_enumeration),
        TOKEN_TEST(a_listing_that_fails_is_said),
        TOKEN_TEST(ids_are_known_from_mints),
        TOKEN_TEST(an_unknown_id_is_looked_up_once),
        TOKEN_TEST(a_lookup_can_be_cancelled),
        TOKEN_TEST(nobody_waits_longer_than_the_limit),
        TOKEN_TEST(who_goes_is_not_called),
        TOKEN_TEST(a_revoked_token_is_replaced),
        TOKEN_TEST(what_is_there_is_seen),
        TOKEN_TEST(a_wide_one_is_not_seen_past_the_rules),
        TOKEN_TEST(a_reload_keeps_what_is_good),
        TOKEN_TEST(it_describes_itself),
        TOKEN_TEST(check_tries_each),
        TOKEN_TEST(check_says_what_is_wrong),
        TOKEN_TEST(a_host_that_is_none_is_refused),
    };

    return cmocka_run_group_tests_name("token_service", tests, NULL, NULL);
}
