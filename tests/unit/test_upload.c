#include "upload.h"

#include "exchange_fixture.h"
#include "push_body.h"

#define PUSH  "POST /acme/widgets.git/git-receive-pack"
#define FETCH "POST /acme/widgets.git/git-upload-pack"

struct upload_case {
    struct exchange_fixture fixture;
    struct budget_share budget;
    struct upload upload;
    unsigned overs;
    bool over_may_pass;
};

static bool on_over(void *arg, const struct verdict *verdict)
{
    struct upload_case *uploading = arg;

    uploading->overs++;
    return uploading->over_may_pass;
}

static void begin(struct upload_case *uploading, const char *line, const char *fields)
{
    memset(uploading, 0, sizeof(*uploading));
    exchange_fixture_open(&uploading->fixture, EXCHANGE_FIXTURE_CREDENTIALS);
    exchange_fixture_ask(&uploading->fixture, "github.com", line, fields);
    upload_init(&uploading->upload, &uploading->fixture.request, uploading->fixture.client.stream, &uploading->budget,
                on_over, uploading);
    upload_begin(&uploading->upload);
}

static void end(struct upload_case *uploading)
{
    upload_clear(&uploading->upload);
    assert_int_equal(uploading->budget.size, 0);
    exchange_fixture_close(&uploading->fixture);
}

static void client_sends(struct upload_case *uploading, const char *text)
{
    exchange_fixture_send(&uploading->fixture, &uploading->fixture.client_end, bytes_of_string(text));
}

static struct bytes github_receives(struct upload_case *uploading)
{
    return exchange_fixture_receive(&uploading->fixture, &uploading->fixture.upstream_end);
}

static enum upload_result send_up(struct upload_case *uploading)
{
    return upload_send(&uploading->upload, uploading->fixture.upstream_end.stream);
}

static void what_the_gate_has_read_is_sent_before_the_rest(void **state)
{
    struct upload_case uploading;
    struct text body = {0};
    char fields[64];

    push_body_add(&body, REF_UPDATE, "refs/heads/main", PUSH_BODY_CAPABILITIES);
    text_append(&body, "0000PACK");
    snprintf(fields, sizeof(fields), "Content-Length: %zu\r\n", body.size + 5);
    begin(&uploading, PUSH, fields);
    assert_true(upload_open_gate(&uploading.upload));
    assert_int_equal(upload_inspect(&uploading.upload), UPLOAD_MORE);
    exchange_fixture_send(&uploading.fixture, &uploading.fixture.client_end, text_bytes(&body));
    assert_int_equal(upload_inspect(&uploading.upload), UPLOAD_GATED);
    assert_int_equal(uploading.upload.state, UPLOAD_WAITS);
    assert_int_equal(push_commands_count(body_gate_push(uploading.upload.gate)), 1);

    upload_start_sending(&uploading.upload);
    assert_int_equal(send_up(&uploading), UPLOAD_MORE);
    client_sends(&uploading, " rest");
    assert_false(upload_is_at_end(&uploading.upload));
    assert_int_equal(send_up(&uploading), UPLOAD_DONE);
    assert_true(upload_is_at_end(&uploading.upload));
    text_append(&body, " rest");
    assert_true(bytes_equal(github_receives(&uploading), text_bytes(&body)));
    text_free(&body);
    end(&uploading);
}

static void a_client_that_ends_inside_an_inspected_body_is_gone(void **state)
{
    struct upload_case uploading;

    begin(&uploading, PUSH, "Content-Length: 1000\r\n");
    assert_true(upload_open_gate(&uploading.upload));
    client_sends(&uploading, "00");
    assert_int_equal(upload_inspect(&uploading.upload), UPLOAD_MORE);
    exchange_end_close_peer(&uploading.fixture.client_end);
    exchange_fixture_settle(&uploading.fixture);
    assert_int_equal(upload_inspect(&uploading.upload), UPLOAD_GONE);
    end(&uploading);
}

static void a_tail_that_is_metered_and_not_sent_is_not_at_the_end(void **state)
{
    struct upload_case uploading;
    char body[40001];
    size_t received = 0;

    memset(body, 'x', sizeof(body) - 1);
    body[sizeof(body) - 1] = '\0';
    begin(&uploading, FETCH, "Content-Length: 40000\r\n");
    assert_false(upload_open_gate(&uploading.upload));
    upload_start_sending(&uploading.upload);
    client_sends(&uploading, body);
    assert_int_equal(send_up(&uploading), UPLOAD_MORE); // GitHub takes only the first of it
    assert_true(uploading.upload.pump.body_done);
    assert_true(upload_is_stuck(&uploading.upload));
    assert_false(upload_is_at_end(&uploading.upload));
    while (received < 40000) {
        received += github_receives(&uploading).size;
        if (uploading.upload.state == UPLOAD_SENDS && send_up(&uploading) == UPLOAD_DONE)
            assert_true(upload_is_at_end(&uploading.upload));
    }
    assert_int_equal(uploading.upload.state, UPLOAD_SENT);
    assert_int_equal(uploading.upload.bytes, 40000);
    end(&uploading);
}

static void a_short_body_is_sent_again_from_its_first_byte(void **state)
{
    struct upload_case uploading;

    begin(&uploading, FETCH, "Content-Length: 10\r\n");
    assert_false(upload_open_gate(&uploading.upload));
    upload_start_sending(&uploading.upload);
    client_sends(&uploading, "01234");
    assert_int_equal(send_up(&uploading), UPLOAD_MORE);
    assert_bytes(github_receives(&uploading), "01234");
    assert_true(upload_is_whole(&uploading.upload));
    upload_wait(&uploading.upload);
    client_sends(&uploading, "56789");
    upload_start_sending(&uploading.upload);
    assert_int_equal(send_up(&uploading), UPLOAD_DONE);
    assert_bytes(github_receives(&uploading), "0123456789");
    assert_int_equal(uploading.upload.bytes, 10);
    end(&uploading);
}

static void a_long_body_cannot_be_sent_again(void **state)
{
    static char body[UPLOAD_REPLAY_MAX + 2];
    struct upload_case uploading;
    size_t sent = 0, received = 0;

    memset(body, 'x', sizeof(body));
    begin(&uploading, FETCH, "Content-Length: 65537\r\n");
    assert_false(upload_open_gate(&uploading.upload));
    upload_start_sending(&uploading.upload);
    while (received < UPLOAD_REPLAY_MAX + 1) {
        size_t left = UPLOAD_REPLAY_MAX + 1 - sent, piece = left < 4096 ? left : 4096;

        exchange_fixture_send(&uploading.fixture, &uploading.fixture.client_end, bytes_of(body, piece));
        sent += piece;
        if (uploading.upload.state == UPLOAD_SENDS)
            assert_true(send_up(&uploading) == (sent > UPLOAD_REPLAY_MAX ? UPLOAD_DONE : UPLOAD_MORE));
        received += github_receives(&uploading).size;
        assert_int_equal(received, sent);
        assert_int_equal(upload_is_whole(&uploading.upload), sent <= UPLOAD_REPLAY_MAX);
    }
    end(&uploading);
}

static void malformed_framing_is_refused_and_nothing_follows(void **state)
{
    struct upload_case uploading;

    begin(&uploading, PUSH, "Transfer-Encoding: chunked\r\n");
    assert_true(upload_open_gate(&uploading.upload));
    client_sends(&uploading, "zz\r\n");
    assert_int_equal(upload_inspect(&uploading.upload), UPLOAD_REFUSED);
    assert_int_equal(uploading.upload.verdict.reason, REASON_MALFORMED);
    assert_false(upload_is_at_end(&uploading.upload));
    assert_false(upload_stop(&uploading.upload)); // what would be drained, and where it ends, is not known
    end(&uploading);
}

static void git_is_drained_and_others_if_they_are_short(void **state)
{
    static const struct {
        const char *line, *fields;
        bool drained;
    } cases[] = {
        {FETCH, "Content-Length: 9000000\r\n", true},
        {PUSH, "Transfer-Encoding: chunked\r\n", true},
        {"POST /acme/widgets.git/info/lfs/objects/batch", "Content-Length: 1048576\r\n", true},
        {"POST /acme/widgets.git/info/lfs/objects/batch", "Content-Length: 1048577\r\n", false},
        {"POST /acme/widgets.git/info/lfs/objects/batch", "Transfer-Encoding: chunked\r\n", false},
        {FETCH, "", false}, // there is none
        {FETCH, "Content-Length: 9\r\nExpect: 100-continue\r\n", false},
        {PUSH, "Content-Length: 9\r\nExpect: 100-continue\r\n", true}, // its commands are named in the answer
    };

    for (size_t i = 0; i < GL_ARRAY_SIZE(cases); i++) {
        struct upload_case uploading;

        begin(&uploading, cases[i].line, cases[i].fields);
        if (upload_stop(&uploading.upload) != cases[i].drained)
            fail_msg("case %zu", i);
        end(&uploading);
    }
}

static void a_drained_body_leaves_the_next_request(void **state)
{
    struct upload_case uploading;

    begin(&uploading, FETCH, "Transfer-Encoding: chunked\r\n");
    assert_true(upload_stop(&uploading.upload));
    client_sends(&uploading, "3\r\nabc\r\n0\r\n");
    assert_int_equal(upload_drain(&uploading.upload), UPLOAD_MORE);
    client_sends(&uploading, "\r\nGET /next");
    assert_int_equal(upload_drain(&uploading.upload), UPLOAD_DRAINED);
    assert_bytes(stream_input(uploading.fixture.client.stream), "GET /next");
    assert_true(upload_is_at_end(&uploading.upload));
    end(&uploading);
}

static void a_pack_over_its_limit_does_not_pass(void **state)
{
    for (int may_pass = 0; may_pass < 2; may_pass++) {
        struct upload_case uploading;
        struct text body = {0};
        char fields[64];

        push_body_add(&body, REF_UPDATE, "refs/heads/main", PUSH_BODY_CAPABILITIES);
        text_append(&body, "0000");
        snprintf(fields, sizeof(fields), "Content-Length: %zu\r\n", body.size + 20);
        begin(&uploading, PUSH, fields);
        uploading.over_may_pass = may_pass;
        assert_true(upload_open_gate(&uploading.upload));
        exchange_fixture_send(&uploading.fixture, &uploading.fixture.client_end, text_bytes(&body));
        assert_int_equal(upload_inspect(&uploading.upload), UPLOAD_GATED);
        assert_true(upload_limit_pack(&uploading.upload, 15));
        upload_start_sending(&uploading.upload);
        client_sends(&uploading, "PACK567890");
        assert_int_equal(send_up(&uploading), UPLOAD_MORE);
        github_receives(&uploading);
        client_sends(&uploading, "1234567890");
        assert_int_equal(send_up(&uploading), may_pass ? UPLOAD_DONE : UPLOAD_REFUSED);
        assert_bytes(github_receives(&uploading), may_pass ? "1234567890" : "");
        assert_int_equal(uploading.overs, 1);
        assert_int_equal(uploading.upload.verdict.reason, REASON_PACK_TOO_LARGE);
        text_free(&body);
        end(&uploading);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_the_gate_has_read_is_sent_before_the_rest),
        cmocka_unit_test(a_client_that_ends_inside_an_inspected_body_is_gone),
        cmocka_unit_test(a_tail_that_is_metered_and_not_sent_is_not_at_the_end),
        cmocka_unit_test(a_short_body_is_sent_again_from_its_first_byte),
        cmocka_unit_test(a_long_body_cannot_be_sent_again),
        cmocka_unit_test(malformed_framing_is_refused_and_nothing_follows),
        cmocka_unit_test(git_is_drained_and_others_if_they_are_short),
        cmocka_unit_test(a_drained_body_leaves_the_next_request),
        cmocka_unit_test(a_pack_over_its_limit_does_not_pass),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
