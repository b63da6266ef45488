// What is recorded of a request. The event is taken where it would be written.
#include "record.h"

#include "audit.h"
#include "exchange_fixture.h"
#include "text.h"

static struct audit_event written;
static unsigned writes;

void __wrap_audit_write(const struct audit_event *event, struct wall now);
void __wrap_audit_write(const struct audit_event *event, struct wall now)
{
    written = *event;
    writes++;
}

#define PUSH "POST /acme/widgets.git/git-receive-pack"

static struct record record_in(const struct exchange_fixture *fixture)
{
    return (struct record){
        .client = &fixture->client,
        .id = fixture->request.id,
        .started = fixture->manual.mono_now,
        .decision = DECISION_ALLOW,
        .status = 200,
        .bytes_up = 100,
        .bytes_down = 2000,
        .source = "app",
        .token = "0123456789ab",
    };
}

static void expect_metric(const struct exchange_fixture *fixture, const char *line)
{
    struct text text = {0};

    metrics_write(fixture->metrics, &text, true);
    if (!bytes_contain(text_bytes(&text), bytes_of_string(line)))
        fail_msg("no %s in\n%.*s", line, (int)text.size, text.data);
    text_free(&text);
}

static void an_allowed_request(void **state)
{
    struct exchange_fixture fixture;
    struct record record;

    exchange_fixture_open(&fixture, EXCHANGE_FIXTURE_CREDENTIALS);
    exchange_fixture_ask(&fixture, "github.com", PUSH, "User-Agent: git/2.39.5\r\n");
    record = record_in(&fixture);
    clock_manual_advance(&fixture.manual, 1500);
    writes = 0;
    record_request(&record, &fixture.request, NULL);
    assert_int_equal(writes, 1);
    assert_string_equal(written.event, "request");
    assert_string_equal(written.operation, "push");
    assert_string_equal(written.repository->name, "widgets");
    assert_string_equal(written.source, "app");
    assert_int_equal(written.decision, DECISION_ALLOW);
    assert_int_equal(written.duration_ms, 1500);
    assert_bytes(written.user_agent, "git/2.39.5");
    assert_int_equal(written.path.size, 0);
    expect_metric(&fixture, "gitlatch_requests_total{operation=\"push\",decision=\"allow\",status=\"200\"} 1\n");
    expect_metric(&fixture, "gitlatch_bytes_total{operation=\"push\",direction=\"up\"} 100\n");
    expect_metric(&fixture, "gitlatch_bytes_total{operation=\"push\",direction=\"down\"} 2000\n");
    exchange_fixture_close(&fixture);
}

static void a_refusal_is_a_denial_also_where_it_was_only_recorded(void **state)
{
    static const struct {
        enum reason reason, would_deny, recorded;
        enum decision decision;
    } cases[] = {
        {REASON_REF_DENIED, REASON_NONE, REASON_REF_DENIED, DECISION_DENY},
        {REASON_NONE, REASON_REF_DENIED, REASON_REF_DENIED, DECISION_DENY},
        {REASON_UPSTREAM_LOST, REASON_NONE, REASON_UPSTREAM_LOST, DECISION_ALLOW}, // it failed, nobody refused it
        {REASON_UPSTREAM_LOST, REASON_REF_DENIED, REASON_UPSTREAM_LOST, DECISION_DENY},
    };

    for (size_t i = 0; i < GL_ARRAY_SIZE(cases); i++) {
        struct exchange_fixture fixture;
        struct record record;
        char line[128];

        exchange_fixture_open(&fixture, EXCHANGE_FIXTURE_CREDENTIALS);
        exchange_fixture_ask(&fixture, "github.com", PUSH, "");
        record = record_in(&fixture);
        record.reason = cases[i].reason;
        record.would_deny = cases[i].would_deny;
        record_request(&record, &fixture.request, NULL);
        assert_int_equal(written.decision, cases[i].decision);
        assert_int_equal(written.reason, cases[i].recorded);
        snprintf(line, sizeof(line), "gitlatch_denials_total{reason=\"%s\"} 1\n", reason_row(cases[i].recorded)->code);
        expect_metric(&fixture, line);
        exchange_fixture_close(&fixture);
    }
}

static void an_api_call_names_its_path(void **state)
{
    struct exchange_fixture fixture;
    struct record record;

    exchange_fixture_open(&fixture, EXCHANGE_FIXTURE_CREDENTIALS);
    exchange_fixture_ask(&fixture, "api.github.com", "PATCH /repos/acme/widgets/issues/1?token=x", "");
    record = record_in(&fixture);
    record.needs = "issues=write";
    record_request(&record, &fixture.request, NULL);
    assert_bytes(written.method, "PATCH");
    assert_bytes(written.path, "/repos/acme/widgets/issues/1");
    assert_bytes(written.needs, "issues=write");
    exchange_fixture_close(&fixture);
}

static void what_changes_github_is_a_write(void **state)
{
    static const struct {
        const char *host, *line;
        bool write;
    } cases[] = {
        {"github.com", "GET /acme/widgets.git/info/refs?service=git-receive-pack", false},
        {"github.com", "POST /acme/widgets.git/git-upload-pack", false},
        {"github.com", PUSH, true},
        {"github.com", "POST /acme/widgets.git/info/lfs/locks", true},
        {"github.com", "GET /acme/widgets.git/info/lfs/locks", false},
        {"github.com", "POST /acme/widgets.git/info/lfs/objects/batch", false}, // of a download: see below
        {"api.github.com", "GET /repos/acme/widgets", false},
        {"api.github.com", "DELETE /repos/acme/widgets", true},
        {"api.github.com", "POST /graphql", true},
    };

    for (size_t i = 0; i < GL_ARRAY_SIZE(cases); i++) {
        struct exchange_fixture fixture;

        exchange_fixture_open(&fixture, EXCHANGE_FIXTURE_CREDENTIALS);
        exchange_fixture_ask(&fixture, cases[i].host, cases[i].line, "");
        if (record_is_write(&fixture.request, NULL) != cases[i].write)
            fail_msg("%s", cases[i].line);
        exchange_fixture_close(&fixture);
    }
}

static void an_lfs_batch_is_a_write_if_its_body_says_so(void **state)
{
    static const char *const bodies[] = {
        "{\"operation\":\"download\",\"objects\":[]}",
        "{\"operation\":\"upload\",\"objects\":[],\"ref\":{\"name\":\"refs/heads/a\"}}"};

    for (size_t i = 0; i < GL_ARRAY_SIZE(bodies); i++) {
        struct exchange_fixture fixture;
        struct body_gate *gate;
        struct verdict verdict;
        struct record record;
        char fields[64];

        exchange_fixture_open(&fixture, EXCHANGE_FIXTURE_CREDENTIALS);
        snprintf(fields, sizeof(fields), "Content-Length: %zu\r\n", strlen(bodies[i]));
        exchange_fixture_ask(&fixture, "github.com", "POST /acme/widgets.git/info/lfs/objects/batch", fields);
        gate = body_gate_new(&fixture.request.operation, &fixture.request.head);
        assert_int_equal(body_gate_feed(gate, bytes_of_string(bodies[i]), true, &verdict), BODY_GATE_DECIDED);
        assert_int_equal(record_is_write(&fixture.request, gate), i == 1);
        record = record_in(&fixture);
        record_request(&record, &fixture.request, gate);
        if (i == 1)
            assert_string_equal(written.lfs_ref, "refs/heads/a");
        else
            assert_null(written.lfs_ref);
        body_gate_free(gate);
        exchange_fixture_close(&fixture);
    }
}

static void a_request_in_progress_is_described(void **state)
{
    struct exchange_fixture fixture;
    struct record record;
    struct text text = {0}, wanted = {0};

    exchange_fixture_open(&fixture, EXCHANGE_FIXTURE_CREDENTIALS);
    exchange_fixture_ask(&fixture, "github.com", PUSH, "");
    record = record_in(&fixture);
    clock_manual_advance(&fixture.manual, 20);
    record_describe(&record, &fixture.request, true, &text);
    text_format(&wanted,
                ",{\"id\":\"%s\",\"client\":\"127.0.0.1:40000\",\"operation\":\"push\",\"host\":\"github.com\","
                "\"repository\":\"acme/widgets\",\"bytes_up\":100,\"bytes_down\":2000,\"duration_ms\":20}",
                fixture.request.id);
    text_append_char(&wanted, '\0');
    assert_bytes(text_bytes(&text), wanted.data);
    text_free(&text);
    text_free(&wanted);
    exchange_fixture_close(&fixture);
}

static void a_tunnel_that_a_rule_cut_is_a_denial(void **state)
{
    struct exchange_fixture fixture;
    struct record record;

    exchange_fixture_open(&fixture, EXCHANGE_FIXTURE_CREDENTIALS);
    record = record_in(&fixture);
    record.decision = DECISION_DENY;
    record.reason = REASON_HOST_DENIED;
    record_tunnel(&record, "example.org");
    assert_string_equal(written.event, "tunnel");
    assert_string_equal(written.host, "example.org");
    assert_int_equal(written.decision, DECISION_DENY);
    expect_metric(&fixture, "gitlatch_requests_total{operation=\"tunnel\",decision=\"deny\",status=\"200\"} 1\n");
    exchange_fixture_close(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_allowed_request),
        cmocka_unit_test(a_refusal_is_a_denial_also_where_it_was_only_recorded),
        cmocka_unit_test(an_api_call_names_its_path),
        cmocka_unit_test(what_changes_github_is_a_write),
        cmocka_unit_test(an_lfs_batch_is_a_write_if_its_body_says_so),
        cmocka_unit_test(a_request_in_progress_is_described),
        cmocka_unit_test(a_tunnel_that_a_rule_cut_is_a_denial),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
