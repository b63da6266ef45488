#include "own_answer.h"

#include "exchange_fixture.h"
#include "push_body.h"

struct answer_case {
    struct exchange_fixture fixture;
    struct own_answer answer;
    struct verdict verdict;
    struct push_decision push;
    struct budget_share budget;
    struct own_answer_context context;
};

static void begin(struct answer_case *answering, const char *line, enum own_answer_kind kind)
{
    memset(answering, 0, sizeof(*answering));
    exchange_fixture_open(&answering->fixture, EXCHANGE_FIXTURE_CREDENTIALS);
    exchange_fixture_ask(&answering->fixture, "github.com", line, "");
    own_answer_init(&answering->answer);
    answering->answer.kind = kind;
    answering->context = (struct own_answer_context){
        .client = &answering->fixture.client,
        .request = &answering->fixture.request,
        .verdict = &answering->verdict,
        .push = &answering->push,
        .budget = &answering->budget,
    };
}

static void end(struct answer_case *answering)
{
    budget_keep(&answering->budget, 0);
    own_answer_clear(&answering->answer);
    exchange_fixture_close(&answering->fixture);
}

// What the client reads of the whole answer.
static struct bytes answered(struct answer_case *answering)
{
    assert_int_equal(own_answer_send(&answering->answer, &answering->context), OWN_ANSWER_SENT);
    return exchange_fixture_receive(&answering->fixture, &answering->fixture.client_end);
}

static void check_verdict(const char *line, enum reason reason, int status, const char *holds)
{
    struct answer_case answering;
    struct bytes seen;

    begin(&answering, line, OWN_ANSWER_VERDICT);
    verdict_set(&answering.verdict, reason, NULL);
    seen = answered(&answering);
    assert_int_equal(answering.answer.status, status);
    if (!bytes_contain(seen, bytes_of_string(holds)))
        fail_msg("%s: no \"%s\" in \"%.*s\"", line, holds, (int)seen.size, seen.data);
    end(&answering);
}

static void a_verdict_has_the_form_of_its_operation(void **state)
{
    check_verdict("POST /acme/widgets.git/git-upload-pack", REASON_REPOSITORY_DENIED, 200, "ERR gitlatch: ");
    check_verdict("POST /acme/widgets.git/git-receive-pack", REASON_REPOSITORY_DENIED, 403,
                  "Content-Type: text/plain"); // its commands were not read
    check_verdict("GET /acme/widgets.git/info/refs?service=git-upload-pack", REASON_REPOSITORY_DENIED, 403,
                  "Content-Type: text/plain");
    check_verdict("POST /acme/widgets.git/info/lfs/objects/batch", REASON_REPOSITORY_DENIED, 403,
                  "application/vnd.git-lfs+json");
}

static void a_refused_push_names_each_ref(void **state)
{
    struct answer_case answering;
    struct text body = {0};
    struct body_gate *gate;
    struct bytes seen;

    begin(&answering, "POST /acme/widgets.git/git-receive-pack", OWN_ANSWER_VERDICT);
    push_body_add(&body, REF_UPDATE, "refs/heads/main", " report-status");
    text_append(&body, "0000PACK");
    answering.fixture.request.head.content_length = 1000;
    gate = body_gate_new(&answering.fixture.request.operation, &answering.fixture.request.head);
    assert_int_equal(body_gate_feed(gate, text_bytes(&body), false, &answering.verdict), BODY_GATE_DECIDED);
    answering.context.gate = gate;
    verdict_set(&answering.verdict, REASON_REPOSITORY_DENIED, NULL);
    seen = answered(&answering);
    assert_int_equal(answering.answer.status, 200);
    assert_true(bytes_contain(seen, BYTES("Content-Type: application/x-git-receive-pack-result\r\n")));
    assert_true(bytes_contain(seen, BYTES("ng refs/heads/main ")));
    body_gate_free(gate);
    text_free(&body);
    end(&answering);
}

static void git_is_not_made_to_prompt(void **state)
{
    struct answer_case answering;

    begin(&answering, "GET /acme/widgets.git/info/refs?service=git-upload-pack", OWN_ANSWER_VERDICT);
    verdict_set(&answering.verdict, REASON_GITHUB_REFUSED, NULL);
    answering.verdict.status = 401;
    answered(&answering);
    assert_int_equal(answering.answer.status, 403);
    end(&answering);
}

static void a_rename_leads_to_the_new_name_or_nowhere(void **state)
{
    static const struct {
        const char *line, *location, *holds;
        int status;
    } cases[] = {
        {"GET /acme/old.git/info/refs?service=git-upload-pack", "acme/new",
         "\r\nLocation: https://github.com/acme/new.git/info/refs?service=git-upload-pack\r\n", 301},
        {"GET /acme/old.wiki.git/info/refs?service=git-receive-pack", "acme/new",
         "\r\nLocation: https://github.com/acme/new.wiki.git/info/refs?service=git-receive-pack\r\n", 301},
        {"GET /acme/old.git/info/refs?service=git-upload-pack", "", "", 404},
        {"GET /acme/old.git/info/lfs/locks", "acme/new", "", 404}, // Git LFS follows nothing
    };

    for (size_t i = 0; i < GL_ARRAY_SIZE(cases); i++) {
        struct answer_case answering;
        struct bytes seen;

        begin(&answering, cases[i].line, OWN_ANSWER_VERDICT);
        verdict_set(&answering.verdict, REASON_RENAMED, NULL);
        snprintf(answering.verdict.location, sizeof(answering.verdict.location), "%s", cases[i].location);
        seen = answered(&answering);
        assert_int_equal(answering.answer.status, cases[i].status);
        assert_int_equal(bytes_contain(seen, BYTES("\r\nLocation: ")), cases[i].status == 301);
        assert_true(bytes_contain(seen, bytes_of_string(cases[i].holds)));
        end(&answering);
    }
}

static void a_head_request_has_no_body(void **state)
{
    struct answer_case answering;

    begin(&answering, "HEAD /acme/widgets", OWN_ANSWER_VERDICT);
    verdict_set(&answering.verdict, REASON_METHOD, NULL);
    assert_true(bytes_end_with(answered(&answering), BYTES("\r\n\r\n")));
    end(&answering);
}

static void the_connection_ends_where_the_context_says_so(void **state)
{
    for (int close = 0; close < 2; close++) {
        struct answer_case answering;

        begin(&answering, "GET /acme/widgets", OWN_ANSWER_VERDICT);
        verdict_set(&answering.verdict, REASON_METHOD, NULL);
        answering.context.close = close;
        assert_int_equal(bytes_contain(answered(&answering), BYTES("\r\nConnection: close\r\n")), close);
        end(&answering);
    }
}

static void a_probe_is_answered_with_nothing(void **state)
{
    struct answer_case answering;
    struct bytes seen;

    begin(&answering, "POST /acme/widgets.git/git-receive-pack", OWN_ANSWER_PROBE);
    seen = answered(&answering);
    assert_int_equal(answering.answer.status, 200);
    assert_true(bytes_contain(seen, BYTES("Content-Type: application/x-git-receive-pack-result\r\n")));
    assert_true(bytes_contain(seen, BYTES("Content-Length: 0\r\n")));
    end(&answering);
}

static void a_client_that_reads_slowly_has_the_rest_later(void **state)
{
    struct answer_case answering;
    size_t received = 0;
    enum own_answer_result result;

    begin(&answering, "GET /acme/widgets.git/info/refs?service=git-upload-pack", OWN_ANSWER_KEPT);
    for (int i = 0; i < 40000; i++)
        text_append_char(&answering.answer.body, 'x');
    result = own_answer_send(&answering.answer, &answering.context);
    assert_int_equal(result, OWN_ANSWER_MORE);
    for (int i = 0; i < 100 && result == OWN_ANSWER_MORE; i++) {
        received += exchange_fixture_receive(&answering.fixture, &answering.fixture.client_end).size;
        result = own_answer_send(&answering.answer, &answering.context);
    }
    assert_int_equal(result, OWN_ANSWER_SENT);
    received += exchange_fixture_receive(&answering.fixture, &answering.fixture.client_end).size;
    assert_in_range(received, 40000 + 50, 40000 + 400); // one head
    assert_int_equal(answering.answer.sent, 40000);
    end(&answering);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_verdict_has_the_form_of_its_operation),
        cmocka_unit_test(a_refused_push_names_each_ref),
        cmocka_unit_test(git_is_not_made_to_prompt),
        cmocka_unit_test(a_rename_leads_to_the_new_name_or_nowhere),
        cmocka_unit_test(a_head_request_has_no_body),
        cmocka_unit_test(the_connection_ends_where_the_context_says_so),
        cmocka_unit_test(a_probe_is_answered_with_nothing),
        cmocka_unit_test(a_client_that_reads_slowly_has_the_rest_later),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
