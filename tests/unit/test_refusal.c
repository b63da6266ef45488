#include "refusal.h"

#include "push_body.h"

// What git would make of an answer to a push: its remote lines, and the report inside.
struct seen {
    struct text remote;
    struct text report;
    size_t packets;
};

static void read_answer(struct bytes answer, struct seen *seen)
{
    struct pktline_reader reader = {0};
    struct bytes packet;
    enum pktline_result result;

    while ((result = pktline_read(&reader, &answer, &packet)) == PKTLINE_DATA) {
        assert_true(packet.size > 0 && (packet.data[0] == 1 || packet.data[0] == 2));
        text_append_bytes(packet.data[0] == 1 ? &seen->report : &seen->remote, bytes_skip(packet, 1));
        seen->packets++;
    }
    assert_int_equal(result, PKTLINE_FLUSH);
    assert_int_equal(answer.size, 0);
    pktline_reader_clear(&reader);
}

static void seen_free(struct seen *seen)
{
    text_free(&seen->remote);
    text_free(&seen->report);
}

static struct push_commands *push_of(const char *const *refs, size_t count, const char *capabilities)
{
    struct push_commands *commands = push_commands_new();
    struct verdict verdict;
    struct text body = {0};

    for (size_t i = 0; i < count; i++)
        push_body_add(&body, REF_UPDATE, refs[i], i == 0 ? capabilities : NULL);
    pktline_append_flush(&body);
    assert_int_equal(push_body_feed(commands, text_bytes(&body), SIZE_MAX, &verdict, NULL), PUSH_COMMANDS_DONE);
    text_free(&body);
    return commands;
}

static const char *const two_refs[] = {"refs/heads/agent/a", "refs/heads/main"};
static const enum reason second_refused[] = {REASON_NONE, REASON_REF_DENIED};

static void a_forbidden_ref_is_told_with_what_is_allowed(void **state)
{
    struct push_commands *commands = push_of(two_refs, 2, PUSH_BODY_CAPABILITIES);
    char pattern[] = "refs/heads/agent/*";
    char *allowed[] = {pattern};
    struct verdict verdict;
    struct refusal_push refusal = {&verdict, BYTES("01ab"), second_refused, allowed, 1, "agent/my-change"};
    struct seen seen = {0};
    struct text answer = {0};

    verdict_set(&verdict, REASON_REF_DENIED, "refs/heads/main is not yours");
    refusal_receive_pack(&answer, commands, &refusal);
    read_answer(text_bytes(&answer), &seen);
    assert_string_equal(text_string(&seen.remote), "gitlatch: refs/heads/main is not yours\n"
                                                   "allowed: refs/heads/agent/*\n"
                                                   "for example: git push origin HEAD:refs/heads/agent/my-change\n"
                                                   "gitlatch: push to a ref that matches an allowed pattern\n"
                                                   "gitlatch: reason ref, request 01ab\n");
    assert_string_equal(text_string(&seen.report),
                        "000eunpack ok\n"
                        "005cng refs/heads/agent/a gitlatch: refused with refs/heads/main [reason ref, request 01ab]\n"
                        "0065ng refs/heads/main gitlatch: the rule does not allow to push this ref "
                        "[reason ref, request 01ab]\n"
                        "0000");
    seen_free(&seen);
    text_free(&answer);
    push_commands_free(commands);
}

static void a_failure_is_told_for_each_ref(void **state)
{
    struct push_commands *commands = push_of(two_refs, 2, PUSH_BODY_CAPABILITIES);
    struct verdict verdict;
    struct refusal_push refusal = {.verdict = &verdict, .id = BYTES("7")};
    struct seen seen = {0};
    struct text answer = {0};

    verdict_set(&verdict, REASON_TOKEN_TIMEOUT, NULL);
    refusal_receive_pack(&answer, commands, &refusal);
    read_answer(text_bytes(&answer), &seen);
    assert_non_null(strstr(text_string(&seen.report), "ng refs/heads/agent/a gitlatch: no token came within"));
    assert_non_null(strstr(text_string(&seen.report), "ng refs/heads/main gitlatch: no token came within"));
    assert_non_null(strstr(text_string(&seen.remote), "gitlatch: reason token_timeout, request 7\n"));
    seen_free(&seen);
    text_free(&answer);
    push_commands_free(commands);
}

static void without_a_side_band_the_report_stands_bare(void **state)
{
    struct push_commands *commands = push_of(two_refs + 1, 1, " report-status");
    struct verdict verdict;
    struct refusal_push refusal = {.verdict = &verdict, .id = BYTES("7")};
    struct text answer = {0};

    verdict_set(&verdict, REASON_PUSH_DENIED, "no push here");
    refusal_receive_pack(&answer, commands, &refusal);
    assert_string_equal(text_string(&answer), "000eunpack ok\n"
                                              "0047ng refs/heads/main gitlatch: no push here [reason push, request 7]\n"
                                              "0000");
    text_free(&answer);
    push_commands_free(commands);
}

static void without_a_report_wanted_none_is_sent(void **state)
{
    struct push_commands *silent = push_of(two_refs, 2, "");
    struct push_commands *band = push_of(two_refs, 2, "side-band-64k");
    struct verdict verdict;
    struct refusal_push refusal = {.verdict = &verdict, .id = BYTES("7")};
    struct seen seen = {0};
    struct text answer = {0};

    verdict_set(&verdict, REASON_PUSH_DENIED, "no push here");
    refusal_receive_pack(&answer, silent, &refusal);
    assert_int_equal(answer.size, 0);
    refusal_receive_pack(&answer, band, &refusal);
    read_answer(text_bytes(&answer), &seen);
    assert_int_equal(seen.report.size, 0);
    assert_non_null(strstr(text_string(&seen.remote), "no push here"));
    seen_free(&seen);
    text_free(&answer);
    push_commands_free(silent);
    push_commands_free(band);
}

static void a_push_without_readable_commands_fails_as_a_whole(void **state)
{
    struct push_commands *commands = push_commands_new();
    struct bytes certificate = BYTES("0023push-cert\0report-status agent=x");
    struct verdict verdict;
    struct refusal_push refusal = {.verdict = &verdict, .id = BYTES("7")};
    struct text answer = {0};

    assert_int_equal(push_commands_feed(commands, &certificate, &verdict), PUSH_COMMANDS_REFUSED);
    refusal_receive_pack(&answer, commands, &refusal);
    assert_string_equal(
        text_string(&answer),
        "006dunpack gitlatch: a signed push (push certificate) cannot be decided [reason push_certificate, "
        "request 7]\n0000");
    text_free(&answer);
    push_commands_free(commands);
}

static void ten_thousand_refs_are_told_in_packets_that_git_takes(void **state)
{
    struct push_commands *commands = push_commands_new();
    struct verdict verdict;
    struct refusal_push refusal = {.verdict = &verdict, .id = BYTES("7")};
    struct pktline_reader reader = {0};
    struct seen seen = {0};
    struct text body = {0}, answer = {0};
    struct bytes report, line;
    size_t refused = 0;

    for (int i = 0; i < 10000; i++) {
        char ref[64];

        snprintf(ref, sizeof(ref), "refs/heads/topic-%d", i);
        push_body_add(&body, REF_UPDATE, ref, i == 0 ? PUSH_BODY_CAPABILITIES : NULL);
    }
    pktline_append_flush(&body);
    assert_int_equal(push_body_feed(commands, text_bytes(&body), SIZE_MAX, &verdict, NULL), PUSH_COMMANDS_DONE);
    verdict_set(&verdict, REASON_PUSH_DENIED, NULL);
    refusal_receive_pack(&answer, commands, &refusal);
    read_answer(text_bytes(&answer), &seen);
    assert_true(seen.packets > 10);

    report = text_bytes(&seen.report);
    while (pktline_read(&reader, &report, &line) == PKTLINE_DATA)
        refused += bytes_start_with(line, BYTES("ng refs/heads/topic-"));
    assert_int_equal(refused, 10000);
    pktline_reader_clear(&reader);
    seen_free(&seen);
    text_free(&body);
    text_free(&answer);
    push_commands_free(commands);
}

static void a_fetch_is_refused_in_one_packet(void **state)
{
    struct verdict verdict;
    struct text answer = {0};

    verdict_set(&verdict, REASON_FETCH_DENIED, "no fetch of acme/hidden");
    refusal_upload_pack(&answer, &verdict, BYTES("01ab"));
    assert_string_equal(text_string(&answer), "0077ERR gitlatch: no fetch of acme/hidden; ask the operator for `fetch: "
                                              "true` in its rule (reason fetch, request 01ab)\n");
    text_free(&answer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_forbidden_ref_is_told_with_what_is_allowed),
        cmocka_unit_test(a_failure_is_told_for_each_ref),
        cmocka_unit_test(without_a_side_band_the_report_stands_bare),
        cmocka_unit_test(without_a_report_wanted_none_is_sent),
        cmocka_unit_test(a_push_without_readable_commands_fails_as_a_whole),
        cmocka_unit_test(ten_thousand_refs_are_told_in_packets_that_git_takes),
        cmocka_unit_test(a_fetch_is_refused_in_one_packet),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
