// Narrowed tokens from a broker.
#include "token_fixture.h"

static struct {
    int status;
    const char *body; // NULL: what was asked for
    char url[256], bearer[64];
    json_t *asked;  // the last call's body
    bool old;       // refuses members that it does not know
    size_t granted; // names that it lists, 500 a page
    unsigned calls, listings;
} broker;

// What it lists of acme: names that the fake GitHub does not have, so that they cannot come from there.
static void answer_listing(struct http_request *request)
{
    size_t page = (size_t)json_integer_value(json_object_get(broker.asked, "page"));
    struct text names = {0};

    broker.listings++;
    for (size_t i = (page - 1) * 500; i < broker.granted && i < page * 500; i++)
        text_format(&names, "%s{\"id\":%zu,\"name\":\"granted-%zu\"}", i % 500 ? "," : "", 5001 + i, i);
    fake_say(request, 200, "{\"host\":\"github.com\",\"owner\":\"acme\",\"total_count\":%zu,\"repositories\":[%s]}",
             broker.granted, text_string(&names));
    text_free(&names);
}

static bool broker_answers(struct fake_github *github, struct http_request *request, const struct http_call *call)
{
    if (!strstr(call->url, "broker"))
        return false;
    broker.calls++;
    snprintf(broker.url, sizeof(broker.url), "%s", call->url);
    snprintf(broker.bearer, sizeof(broker.bearer), "%.*s", (int)call->bearer.size, call->bearer.data);
    json_decref(broker.asked);
    broker.asked = json_loadb(call->body.data, call->body.size, 0, NULL);
    assert_non_null(broker.asked);
    if (broker.old && json_object_get(broker.asked, "rejected")) {
        fake_say(request, 400, "{\"error\":\"question_malformed\",\"message\":\"there is no member `rejected`\"}");
        return true;
    }
    if (broker.granted && strstr(call->url, "/v1/repositories")) {
        answer_listing(request);
        return true;
    }
    if (broker.body) {
        fake_say(request, broker.status, "%s", broker.body);
        return true;
    }
    struct text names = {0};
    json_t *asked = json_object_get(broker.asked, "repositories");
    for (size_t i = 0; i < json_array_size(asked); i++)
        text_format(&names, "%s{\"id\":%zu,\"name\":\"%s\"}", i ? "," : "", (broker.listings ? 5001 : 1001) + i,
                    json_string_value(json_array_get(asked, i)));
    char *permissions = json_dumps(json_object_get(broker.asked, "permissions"), JSON_COMPACT);
    // ghs_9 is one that the fake GitHub knows: acme's.
    github->token_installation[9] = 1;
    fake_say(request, 200,
             "{\"token\":\"ghs_9\",\"expires_at\":\"2025-11-24T16:30:00Z\",\"host\":\"github.com\",\"owner\":\"acme\","
             "\"repositories\":[%s],\"permissions\":%s}",
             text_string(&names), permissions);
    mem_wiping_free(permissions);
    text_free(&names);
    return true;
}

static void serve(struct token_fixture *fixture, int status, const char *body)
{
    static char url[] = "http://broker:8443/";
    struct credential_options credential = {.type = CREDENTIAL_BROKER, .url = url, .token_file = fixture->key_path};

    token_service_unref(fixture->service);
    json_decref(broker.asked);
    memset(&broker, 0, sizeof(broker));
    broker.status = status;
    broker.body = body;
    fixture->github.other = broker_answers;
    test_key_write(fixture->key_path, "service-account-token\n");
    token_fixture_serve(fixture, &credential, 1);
}

static int tear_down(void **state)
{
    json_decref(broker.asked);
    broker.asked = NULL;
    return token_fixture_tear_down(state);
}

static void asked_is(const char *expected)
{
    char *text = json_dumps(broker.asked, JSON_COMPACT | JSON_SORT_KEYS);

    assert_string_equal(text, expected);
    mem_wiping_free(text);
}

static void a_repository_is_named(void **state)
{
    struct token_fixture *fixture = *state;

    serve(fixture, 200, NULL);
    struct token_asker asker = token_ask_read(fixture, "acme/widgets");
    assert_string_equal(asker.token, "ghs_9");
    assert_string_equal(asker.source, "broker");
    assert_false(asker.given->granted.wide);
    assert_string_equal(asker.repositories, "1001:acme/widgets");
    assert_true(source_id_gives_rules(asker.given->source));
    assert_string_equal(asker.given->granted.host, "github.com");
    assert_string_equal(asker.given->granted.owner, "acme");
    // Of its hour a half is left: the broker has kept it for that long, and all of GitHub knows it.
    assert_in_range(token_age_ms(asker.given, fixture->manual.mono_now), 30 * MINUTE_MS, 31 * MINUTE_MS);
    assert_string_equal(broker.url, "http://broker:8443/v1/token");
    assert_string_equal(broker.bearer, "service-account-token");
    asked_is("{\"host\":\"github.com\",\"owner\":\"acme\",\"permissions\":{\"contents\":\"read\"},"
             "\"repositories\":[\"widgets\"]}");
    // Kubelet replaces the service account's token every hour: no reason to ask for ours anew.
    test_key_write(fixture->key_path, "service-account-token-2\n");
    token_ask_read(fixture, "acme/widgets");
    assert_int_equal(broker.calls, 1);
}

// The second shows another service-account token to the same broker, which refuses the first alone.
static bool broker_knows_one(struct fake_github *github, struct http_request *request, const struct http_call *call)
{
    bool known = bytes_equal(call->bearer, BYTES("known"));

    broker.body = known ? NULL : "{\"error\":\"broker_denied\",\"message\":\"no grant\"}";
    broker.status = known ? 200 : 403;
    return broker_answers(github, request, call);
}

static void two_tokens_for_one_broker_are_two_sources(void **state)
{
    struct token_fixture *fixture = *state;
    static char url[] = "http://broker:8443";
    char second[sizeof(fixture->key_path) + 2];
    struct credential_options credentials[] = {
        {.type = CREDENTIAL_BROKER, .url = url, .token_file = fixture->key_path},
        {.type = CREDENTIAL_BROKER, .url = url, .token_file = second, .also_when_refused = true},
    };

    snprintf(second, sizeof(second), "%s.2", fixture->key_path);
    test_key_write(second, "known\n");
    serve(fixture, 200, NULL);
    token_service_unref(fixture->service);
    fixture->github.other = broker_knows_one;
    token_fixture_serve(fixture, credentials, GL_ARRAY_SIZE(credentials));
    struct token_asker asker = token_ask_read(fixture, "acme/widgets");
    unlink(second);
    assert_string_equal(asker.token, "ghs_9");
    assert_string_equal(asker.source, "broker-2");
}

static bool includes_all(const void *rules, const struct repository_name *name)
{
    return true;
}

static struct token_asker ask_set(struct token_fixture *fixture)
{
    struct scope scope = token_scope(fixture, "acme/x", "issues", PERMISSION_READ);

    scope.reach = SCOPE_SET;
    scope.use = SCOPE_USE_API;
    scope.includes = includes_all;
    return token_ask(fixture, &scope);
}

// No token comes here that could list at GitHub.
static void a_set_is_listed_by_the_broker(void **state)
{
    struct token_fixture *fixture = *state;

    serve(fixture, 200, NULL);
    broker.granted = 2;
    struct token_asker asker = ask_set(fixture);
    assert_string_equal(asker.repositories, "5001:acme/granted-0 5002:acme/granted-1");
    asked_is("{\"host\":\"github.com\",\"owner\":\"acme\",\"permissions\":{\"issues\":\"read\"},"
             "\"repositories\":[\"granted-0\",\"granted-1\"]}");
    assert_int_equal(broker.calls, 2);
    assert_int_equal(broker.listings, 1);
    assert_int_equal(fixture->github.lists, 0);
    // Kept for five minutes.
    ask_set(fixture);
    assert_int_equal(broker.listings, 1);
    token_fixture_run(fixture, 6 * MINUTE_MS);
    ask_set(fixture);
    assert_int_equal(broker.listings, 2);
}

static void pages_are_asked_for_until_all_is_there(void **state)
{
    struct token_fixture *fixture = *state;

    serve(fixture, 200, NULL);
    broker.granted = 501;
    struct token_asker asker = ask_set(fixture);
    assert_int_equal(asker.verdict.reason, REASON_SET_TOO_LARGE);
    assert_int_equal(broker.listings, 2);
}

static void a_broker_that_lists_nothing_gives_its_reason(void **state)
{
    struct token_fixture *fixture = *state;

    serve(fixture, 403, "{\"error\":\"broker_denied\",\"message\":\"no grant names that owner\"}");
    struct token_asker asker = ask_set(fixture);
    assert_string_equal(token_reason(&asker), "broker_denied");
    assert_string_equal(asker.verdict.sentence, "the broker answered 403: no grant names that owner");
    asked_is("{\"host\":\"github.com\",\"owner\":\"acme\",\"page\":1}");
}

#define NAME_ROOM 128

static void on_found(void *arg, const struct repository_name *name)
{
    snprintf(arg, NAME_ROOM, "%s", name ? name->name : "none");
}

static void a_repository_is_found_by_its_id(void **state)
{
    struct token_fixture *fixture = *state;
    static const struct {
        uint64_t id;
        const char *name;
    } rows[] = {{5002, "granted-1"}, {1001, "none"}};

    serve(fixture, 200, NULL);
    broker.granted = 2;
    for (size_t i = 0; i < GL_ARRAY_SIZE(rows); i++) {
        char found[NAME_ROOM] = "";
        struct token_request *request =
            token_service_find_repository(fixture->service, &fixture->host.git, "acme", rows[i].id, on_found, found);
        assert_non_null(request);
        token_fixture_run(fixture, SECOND_MS);
        assert_string_equal(found, rows[i].name);
    }
    assert_int_equal(broker.calls, 1);
}

static void answers_have_their_reasons(void **state)
{
    static const struct {
        int status;
        const char *body, *reason;
    } cases[] = {
        {401, "{\"error\":\"unauthorized\",\"message\":\"who?\"}", "broker_denied"},
        {403, "{\"error\":\"not_allowed\",\"message\":\"no grant\"}", "broker_denied"},
        {403, "", "broker_denied"},
        {400, "{}", "token_source"},
        {429, "{}", "rate_limited"},
        {503, "{}", "token_unreachable"},
        {503, "{\"error\":\"suspended\",\"message\":\"the installation is suspended\"}", "suspended"},
        {503, "{\"error\":\"not_installed\",\"message\":\"not for acme\"}", "not_installed"},
        // A reason that is not about tokens is not taken from it.
        {403, "{\"error\":\"push\",\"message\":\"?\"}", "broker_denied"},
        {409, "{\"error\":\"renamed\",\"repository\":\"acme/widgets-2\"}", "renamed"},
        {409, "{\"error\":\"renamed\",\"repository\":\"../../evil\"}", "token_source"},
        {200, "{\"token\":\"t\",\"expires_at\":\"2025-11-24T16:30:00Z\"}", "scope"},
        {200,
         "{\"token\":\"t\",\"expires_at\":\"2025-11-24T16:30:00Z\",\"repositories\":[{\"id\":1,\"name\":\"widgets\"}],"
         "\"permissions\":{\"contents\":\"write\"}}",
         "scope"},
        {200,
         "{\"token\":\"t\",\"expires_at\":\"2025-11-24T16:30:00Z\",\"repositories\":[{\"id\":1,\"name\":\"widgets\"},"
         "{\"id\":2,\"name\":\"gadgets\"}],\"permissions\":{\"contents\":\"read\"}}",
         "scope"},
    };
    struct token_fixture *fixture = *state;

    for (size_t i = 0; i < GL_ARRAY_SIZE(cases); i++) {
        serve(fixture, cases[i].status, cases[i].body);
        struct token_asker asker = token_ask_read(fixture, "acme/widgets");
        assert_string_equal(token_reason(&asker), cases[i].reason);
        if (strcmp(cases[i].reason, "renamed") == 0)
            assert_string_equal(asker.verdict.location, "acme/widgets-2");
    }
}

static void its_words_are_quoted(void **state)
{
    struct token_fixture *fixture = *state;

    serve(fixture, 403, "{\"error\":\"not_granted\",\"message\":\"team-a has no grant for contents: write\"}");
    struct token_asker asker = token_ask_read(fixture, "acme/widgets");
    assert_string_equal(asker.verdict.sentence, "the broker answered 403: team-a has no grant for contents: write");
}

// Somebody mends what the broker said: it is asked again every five seconds, and not for each request meanwhile.
static void what_was_mended_is_soon_known(void **state)
{
    struct token_fixture *fixture = *state;

    serve(fixture, 503, "{\"error\":\"app_key\",\"message\":\"GitHub does not accept the App's key\"}");
    struct token_asker asker = token_ask_read(fixture, "acme/widgets");
    assert_string_equal(token_reason(&asker), "app_key");
    token_ask_read(fixture, "acme/widgets");
    assert_int_equal(broker.calls, 1);
    for (unsigned i = 0; i < 100; i++) {
        token_fixture_run(fixture, 1 * SECOND_MS);
        token_ask_read(fixture, "acme/widgets");
    }
    assert_in_range(broker.calls, 15, 21); // of 100 s
    broker.body = NULL;
    token_fixture_run(fixture, 5 * SECOND_MS);
    assert_string_equal(token_ask_read(fixture, "acme/widgets").token, "ghs_9");
}

// The broker has one cache for all: it is told that the token is of no use, or it would give the same again.
static void it_is_told_of_a_rejected_token(void **state)
{
    struct token_fixture *fixture = *state;

    serve(fixture, 200, NULL);
    struct token_asker asker = token_ask_read(fixture, "acme/widgets");
    assert_null(json_object_get(broker.asked, "rejected"));
    token_service_rejected(fixture->service, asker.given);
    assert_string_equal(token_ask_read(fixture, "acme/widgets").token, "ghs_9");
    assert_string_equal(json_string_value(json_object_get(broker.asked, "rejected")), asker.given->fingerprint);
    // Once: the next token has no word of it.
    token_fixture_run(fixture, HOUR_MS);
    token_ask_read(fixture, "acme/widgets");
    assert_null(json_object_get(broker.asked, "rejected"));
}

static void an_older_broker_is_asked_without(void **state)
{
    struct token_fixture *fixture = *state;

    serve(fixture, 200, NULL);
    broker.old = true;
    struct token_asker asker = token_ask_read(fixture, "acme/widgets");
    token_service_rejected(fixture->service, asker.given);
    assert_string_equal(token_ask_read(fixture, "acme/widgets").token, "ghs_9");
    assert_int_equal(broker.calls, 3);
}

#define BROKER_TEST(name) cmocka_unit_test_setup_teardown(name, token_fixture_set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        BROKER_TEST(a_repository_is_named),
        BROKER_TEST(two_tokens_for_one_broker_are_two_sources),
        BROKER_TEST(a_set_is_listed_by_the_broker),
        BROKER_TEST(pages_are_asked_for_until_all_is_there),
        BROKER_TEST(a_broker_that_lists_nothing_gives_its_reason),
        BROKER_TEST(a_repository_is_found_by_its_id),
        BROKER_TEST(answers_have_their_reasons),
        BROKER_TEST(its_words_are_quoted),
        BROKER_TEST(what_was_mended_is_soon_known),
        BROKER_TEST(it_is_told_of_a_rejected_token),
        BROKER_TEST(an_older_broker_is_asked_without),
    };

    return cmocka_run_group_tests_name("source_broker", tests, NULL, NULL);
}
