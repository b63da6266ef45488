#include "judgement.h"

#include "body_gate.h"
#include "exchange_fixture.h"
#include "push_body.h"

#define RULES                                                                                                          \
    EXCHANGE_FIXTURE_CREDENTIALS "repositories:\n"                                                                     \
                                 "  - match: acme/widgets\n"                                                           \
                                 "    fetch: true\n"                                                                   \
                                 "    push: [refs/heads/agent/*]\n"

static void on_judged(void *arg, enum judgement_result result)
{
    fail_msg("nothing here is waited for");
}

static enum judgement_result judge(struct exchange_fixture *fixture, struct judgement *judgement, const char *line)
{
    exchange_fixture_ask(fixture, "github.com", line, line[0] == 'P' ? "Content-Length: 10000\r\n" : "");
    judgement_init(judgement, &fixture->request, &fixture->runtime, on_judged, NULL);
    return judgement_of_head(judgement);
}

// A gate that has read a push of these refs.
static struct body_gate *read_push(struct exchange_fixture *fixture, const char *const *refs, size_t count)
{
    struct body_gate *gate = body_gate_new(&fixture->request.operation, &fixture->request.head);
    struct text body = {0};
    struct verdict verdict;

    for (size_t i = 0; i < count; i++)
        push_body_add(&body, REF_UPDATE, refs[i], i ? NULL : PUSH_BODY_CAPABILITIES);
    text_append(&body, "0000PACK");
    assert_int_equal(body_gate_feed(gate, text_bytes(&body), false, &verdict), BODY_GATE_DECIDED);
    text_free(&body);
    return gate;
}

static void the_head_is_held_against_the_rules(void **state)
{
    struct exchange_fixture fixture;
    struct judgement judgement;

    exchange_fixture_open(&fixture, RULES);
    assert_int_equal(judge(&fixture, &judgement, "POST /acme/widgets.git/git-upload-pack"), JUDGEMENT_ALLOWED);
    assert_true(judgement_wants_token(&judgement));
    assert_string_equal(judgement.decision.rule->match, "acme/widgets");
    assert_string_equal(judgement.decision.scope.repository.name, "widgets");
    judgement_clear(&judgement);

    assert_int_equal(judge(&fixture, &judgement, "POST /acme/gadgets.git/git-receive-pack"), JUDGEMENT_REFUSED);
    assert_true(reason_is_refusal(judgement.refusal.reason));
    assert_int_equal(judgement.would_deny.reason, REASON_NONE);
    judgement_clear(&judgement);
    exchange_fixture_close(&fixture);
}

static void each_ref_of_a_push_is_held_against_the_rule(void **state)
{
    static const char *const good[] = {"refs/heads/agent/1", "refs/heads/agent/2"};
    static const char *const bad[] = {"refs/heads/agent/1", "refs/heads/main"};
    struct exchange_fixture fixture;
    struct judgement judgement;
    struct body_gate *gate;

    exchange_fixture_open(&fixture, RULES);
    assert_int_equal(judge(&fixture, &judgement, "POST /acme/widgets.git/git-receive-pack"), JUDGEMENT_ALLOWED);
    gate = read_push(&fixture, good, 2);
    assert_int_equal(judgement_of_body(&judgement, gate), JUDGEMENT_ALLOWED);
    body_gate_free(gate);
    gate = read_push(&fixture, bad, 2);
    assert_int_equal(judgement_of_body(&judgement, gate), JUDGEMENT_REFUSED);
    assert_int_equal(judgement.refusal.reason, REASON_REF_DENIED);
    assert_int_equal(judgement.push.reasons[0], REASON_NONE);
    assert_int_equal(judgement.push.reasons[1], REASON_REF_DENIED);
    body_gate_free(gate);
    judgement_clear(&judgement);
    exchange_fixture_close(&fixture);
}

static void what_is_not_enforced_is_recorded_once_and_decided_without_rules(void **state)
{
    static const char *const bad[] = {"refs/heads/main"};
    struct exchange_fixture fixture;
    struct judgement judgement;
    struct body_gate *gate;
    struct verdict later;

    exchange_fixture_open(&fixture, RULES "enforce: false\n");
    assert_int_equal(judge(&fixture, &judgement, "POST /acme/widgets.git/git-receive-pack"), JUDGEMENT_ALLOWED);
    assert_int_equal(judgement.would_deny.reason, REASON_NONE);
    gate = read_push(&fixture, bad, 1);
    assert_int_equal(judgement_of_body(&judgement, gate), JUDGEMENT_ALLOWED);
    assert_int_equal(judgement.would_deny.reason, REASON_REF_DENIED);
    assert_string_equal(judgement.refusing_rule->match, "acme/widgets");
    assert_null(judgement.decision.rule);
    assert_true(judgement_wants_token(&judgement));
    verdict_set(&later, REASON_PACK_TOO_LARGE, NULL);
    assert_false(judgement_refuse_or_note(&judgement, &later));
    assert_int_equal(judgement.would_deny.reason, REASON_REF_DENIED);
    body_gate_free(gate);
    judgement_clear(&judgement);
    exchange_fixture_close(&fixture);
}

static void a_wide_token_is_refused_unless_rules_are_not_enforced(void **state)
{
    for (int enforce = 0; enforce < 2; enforce++) {
        struct exchange_fixture fixture;
        struct judgement judgement;
        struct verdict wide, other;

        verdict_set(&wide, REASON_WIDE_TOKEN, NULL);
        verdict_set(&other, REASON_NOT_INSTALLED, NULL);
        exchange_fixture_open(&fixture, enforce ? RULES : RULES "enforce: false\n");
        assert_int_equal(judge(&fixture, &judgement, "POST /acme/widgets.git/git-upload-pack"), JUDGEMENT_ALLOWED);
        assert_true(judgement.decision.scope.ruled);
        assert_false(judgement_waives_rules(&judgement, &other));
        assert_int_equal(judgement_waives_rules(&judgement, &wide), !enforce);
        assert_int_equal(judgement.decision.scope.ruled, enforce);
        assert_int_equal(judgement.would_deny.reason, enforce ? REASON_NONE : REASON_WIDE_TOKEN);
        judgement_clear(&judgement);
        exchange_fixture_close(&fixture);
    }
}

static void a_read_alone_goes_on_without_a_token(void **state)
{
    static const struct {
        const char *line;
        enum reason reason;
        bool goes_on;
    } cases[] = {
        {"GET /acme/widgets.git/info/refs?service=git-upload-pack", REASON_NOT_INSTALLED, true},
        {"POST /acme/widgets.git/git-upload-pack", REASON_NOT_INSTALLED, true},
        {"POST /acme/widgets.git/git-upload-pack", REASON_NOT_COVERED, true},
        {"POST /acme/widgets.git/git-upload-pack", REASON_SUSPENDED, true},
        {"POST /acme/widgets.git/git-upload-pack", REASON_NO_CREDENTIAL, true},
        {"GET /acme/widgets.git/info/lfs/locks", REASON_NOT_INSTALLED, true},
        {"POST /acme/widgets.git/git-upload-pack", REASON_TOKEN_TIMEOUT, false},
        {"POST /acme/widgets.git/git-upload-pack", REASON_WIDE_TOKEN, false},
        {"GET /acme/widgets.git/info/refs?service=git-receive-pack", REASON_NOT_INSTALLED, false},
        {"POST /acme/widgets.git/git-receive-pack", REASON_NOT_INSTALLED, false},
        {"POST /acme/widgets.git/info/lfs/objects/batch", REASON_NOT_INSTALLED, false},
    };

    for (size_t i = 0; i < GL_ARRAY_SIZE(cases); i++) {
        struct exchange_fixture fixture;
        struct judgement judgement;
        struct verdict verdict;

        verdict_set(&verdict, cases[i].reason, NULL);
        exchange_fixture_open(&fixture, EXCHANGE_FIXTURE_CREDENTIALS "other_repositories: anonymous\n");
        assert_int_equal(judge(&fixture, &judgement, cases[i].line), JUDGEMENT_ALLOWED);
        if (judgement_does_without_token(&judgement, &verdict) != cases[i].goes_on)
            fail_msg("%s, %s", cases[i].line, reason_row(cases[i].reason)->code);
        assert_int_equal(judgement_wants_token(&judgement), !cases[i].goes_on);
        assert_int_equal(judgement.without_token != NULL, cases[i].goes_on);
        judgement_clear(&judgement);
        exchange_fixture_close(&fixture);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_head_is_held_against_the_rules),
        cmocka_unit_test(each_ref_of_a_push_is_held_against_the_rule),
        cmocka_unit_test(what_is_not_enforced_is_recorded_once_and_decided_without_rules),
        cmocka_unit_test(a_wide_token_is_refused_unless_rules_are_not_enforced),
        cmocka_unit_test(a_read_alone_goes_on_without_a_token),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
