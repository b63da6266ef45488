#include "push_commands.h"

#include "push_body.h"

#define SHA256_ZERO "0000000000000000000000000000000000000000000000000000000000000000"
#define SHA256_ONE  "1111111111111111111111111111111111111111111111111111111111111111"

// Reads a whole body at once; to be freed.
static struct push_commands *read_body(struct bytes body, enum push_commands_result expected, enum reason reason)
{
    struct push_commands *commands = push_commands_new();
    struct verdict verdict = {0};

    assert_int_equal(push_body_feed(commands, body, SIZE_MAX, &verdict, NULL), expected);
    assert_int_equal(verdict.reason, reason);
    return commands;
}

static void check_command(const struct push_commands *commands, size_t index, const char *ref, enum ref_change change)
{
    struct push_command command = push_commands_at(commands, index);

    assert_true(bytes_equal(command.ref, bytes_of_string(ref)));
    assert_int_equal(command.change, change);
    assert_true(bytes_equal(command.old_id, bytes_of_string(push_body_old(change))));
}

static void commands_are_read_however_they_are_cut(void **state)
{
    struct text body = {0};

    push_body_add(&body, REF_CREATE, "refs/heads/new", PUSH_BODY_CAPABILITIES);
    push_body_add(&body, REF_UPDATE, "refs/heads/main", NULL);
    push_body_add(&body, REF_DELETE, "refs/tags/v1\n", NULL);
    pktline_append_flush(&body);
    text_append(&body, "PACK and more");

    for (size_t step = 1; step <= body.size; step++) {
        struct push_commands *commands = push_commands_new();
        struct verdict verdict;
        struct bytes rest;

        assert_int_equal(push_body_feed(commands, text_bytes(&body), step, &verdict, &rest), PUSH_COMMANDS_DONE);
        assert_true(bytes_equal(rest, BYTES("PACK and more")));
        assert_int_equal(push_commands_count(commands), 3);
        check_command(commands, 0, "refs/heads/new", REF_CREATE);
        check_command(commands, 1, "refs/heads/main", REF_UPDATE);
        check_command(commands, 2, "refs/tags/v1", REF_DELETE);
        assert_true(push_commands_pack_follows(commands));
        assert_false(push_commands_is_probe(commands));
        assert_true(push_commands_end(commands, &verdict));
        push_commands_free(commands);
    }
    text_free(&body);
}

static void capabilities_shape_the_answer(void **state)
{
    static const struct {
        const char *words;
        struct push_capabilities expected;
    } cases[] = {
        {PUSH_BODY_CAPABILITIES, {.report_status_v2 = true, .side_band_64k = true}},
        {"report-status side-band-64k", {.report_status = true, .side_band_64k = true}},
        {" report-status atomic", {.report_status = true, .atomic = true}},
        {" xreport-status side-band-64kx", {0}},
        {"", {0}},
    };

    for (size_t i = 0; i < GL_ARRAY_SIZE(cases); i++) {
        struct push_commands *commands;
        struct text body = {0};

        push_body_add(&body, REF_UPDATE, "refs/heads/main", cases[i].words);
        pktline_append_flush(&body);
        commands = read_body(text_bytes(&body), PUSH_COMMANDS_DONE, REASON_NONE);
        assert_memory_equal(push_commands_capabilities(commands), &cases[i].expected, sizeof(cases[i].expected));
        push_commands_free(commands);
        text_free(&body);
    }
}

static void shallow_lines_and_sha256_ids_are_read(void **state)
{
    struct push_commands *commands;
    struct text body = {0}, line = {0};

    pktline_append(&body, BYTES("shallow " SHA256_ONE "\n"));
    pktline_append(&body, BYTES("shallow " SHA256_ONE));
    text_append(&line, SHA256_ZERO " " SHA256_ONE " refs/heads/main");
    text_append_char(&line, '\0');
    text_append(&line, " report-status object-format=sha256\n");
    pktline_append(&body, text_bytes(&line));
    pktline_append_flush(&body);

    commands = read_body(text_bytes(&body), PUSH_COMMANDS_DONE, REASON_NONE);
    assert_int_equal(push_commands_count(commands), 1);
    assert_int_equal(push_commands_at(commands, 0).new_id.size, 64);
    assert_int_equal(push_commands_at(commands, 0).change, REF_CREATE);
    push_commands_free(commands);
    text_free(&body);
    text_free(&line);
}

static void push_options_are_read_where_they_were_chosen(void **state)
{
    struct push_commands *commands = push_commands_new();
    struct verdict verdict;
    struct text body = {0};
    struct bytes rest;

    push_body_add(&body, REF_UPDATE, "refs/heads/main", "report-status push-options");
    pktline_append_flush(&body);
    assert_int_equal(push_body_feed(commands, text_bytes(&body), SIZE_MAX, &verdict, NULL), PUSH_COMMANDS_MORE);
    assert_false(push_commands_end(commands, &verdict));
    text_clear(&body);
    pktline_append(&body, BYTES("ci.skip"));
    pktline_append(&body, BYTES(""));
    pktline_append_flush(&body);
    text_append(&body, "PACK");
    assert_int_equal(push_body_feed(commands, text_bytes(&body), SIZE_MAX, &verdict, &rest), PUSH_COMMANDS_DONE);
    assert_true(bytes_equal(rest, BYTES("PACK")));
    push_commands_free(commands);
    text_free(&body);
}

static void a_probe_is_told_and_nothing_may_follow_it(void **state)
{
    struct push_commands *commands = read_body(BYTES("0000"), PUSH_COMMANDS_DONE, REASON_NONE);
    struct verdict verdict = {0};
    struct bytes more = BYTES("0000");

    assert_true(push_commands_is_probe(commands));
    assert_true(push_commands_end(commands, &verdict));
    assert_int_equal(push_commands_feed(commands, &more, &verdict), PUSH_COMMANDS_REFUSED);
    assert_int_equal(verdict.reason, REASON_PUSH_MALFORMED);
    push_commands_free(commands);
    push_commands_free(read_body(BYTES("0000PACK"), PUSH_COMMANDS_REFUSED, REASON_PUSH_MALFORMED));
}

static void where_all_is_deleted_no_pack_follows(void **state)
{
    struct push_commands *commands;
    struct text body = {0};

    push_body_add(&body, REF_DELETE, "refs/heads/a", PUSH_BODY_CAPABILITIES);
    push_body_add(&body, REF_DELETE, "refs/heads/b", NULL);
    pktline_append_flush(&body);
    commands = read_body(text_bytes(&body), PUSH_COMMANDS_DONE, REASON_NONE);
    assert_false(push_commands_pack_follows(commands));
    push_commands_free(commands);
    text_free(&body);
}

// One packet, then a flush.
static void check_line(struct bytes line, enum reason reason)
{
    struct text body = {0};

    pktline_append(&body, line);
    pktline_append_flush(&body);
    push_commands_free(read_body(text_bytes(&body), reason ? PUSH_COMMANDS_REFUSED : PUSH_COMMANDS_DONE, reason));
    text_free(&body);
}

static void what_git_would_not_send_is_refused(void **state)
{
    static const struct {
        struct bytes line;
        enum reason reason;
    } cases[] = {
        {BYTES(PUSH_BODY_ONE " " PUSH_BODY_TWO " refs/heads/main"), REASON_NONE},
        {BYTES("push-cert\0report-status\n"), REASON_PUSH_CERTIFICATE},
        {BYTES("push-cert"), REASON_PUSH_CERTIFICATE},
        {BYTES("push-certificate"), REASON_PUSH_MALFORMED},
        {BYTES(""), REASON_PUSH_MALFORMED},
        {BYTES("\n"), REASON_PUSH_MALFORMED},
        {BYTES("shallow " PUSH_BODY_ONE), REASON_PUSH_MALFORMED}, // and no command
        {BYTES("shallow 1111"), REASON_PUSH_MALFORMED},
        {BYTES("unshallow " PUSH_BODY_ONE), REASON_PUSH_MALFORMED},
        {BYTES(PUSH_BODY_ONE " " PUSH_BODY_TWO), REASON_PUSH_MALFORMED},
        {BYTES(PUSH_BODY_ONE " " PUSH_BODY_TWO " "), REASON_PUSH_MALFORMED},
        {BYTES(PUSH_BODY_ONE "  " PUSH_BODY_TWO " refs/heads/main"), REASON_PUSH_MALFORMED},
        {BYTES(PUSH_BODY_ONE " " PUSH_BODY_TWO "  refs/heads/main"), REASON_PUSH_MALFORMED},
        {BYTES(PUSH_BODY_ONE " " PUSH_BODY_TWO " refs/heads/main "), REASON_PUSH_MALFORMED},
        {BYTES(PUSH_BODY_ONE " " PUSH_BODY_TWO "\trefs/heads/main"), REASON_PUSH_MALFORMED},
        {BYTES(PUSH_BODY_ONE "1 " PUSH_BODY_TWO " refs/heads/main"), REASON_PUSH_MALFORMED},
        {BYTES(PUSH_BODY_ONE " " SHA256_ONE " refs/heads/main"), REASON_PUSH_MALFORMED},
        {BYTES("g111111111111111111111111111111111111111 " PUSH_BODY_TWO " refs/heads/main"), REASON_PUSH_MALFORMED},
        {BYTES(PUSH_BODY_ZERO " " PUSH_BODY_ZERO " refs/heads/main"), REASON_PUSH_MALFORMED},
        {BYTES(PUSH_BODY_ONE " " PUSH_BODY_TWO " HEAD"), REASON_PUSH_MALFORMED},
        {BYTES(PUSH_BODY_ONE " " PUSH_BODY_TWO " main"), REASON_PUSH_MALFORMED},
        {BYTES(PUSH_BODY_ONE " " PUSH_BODY_TWO " refs/heads/../main"), REASON_PUSH_MALFORMED},
        {BYTES(PUSH_BODY_ONE " " PUSH_BODY_TWO " refs/heads/main\n\n"), REASON_PUSH_MALFORMED},
        {BYTES("Push-Cert\0report-status\n"), REASON_PUSH_MALFORMED},
    };

    for (size_t i = 0; i < GL_ARRAY_SIZE(cases); i++)
        check_line(cases[i].line, cases[i].reason);
}

static void a_later_line_is_a_plain_command(void **state)
{
    static const struct bytes lines[] = {
        BYTES("shallow " PUSH_BODY_ONE),
        BYTES("push-cert\0x"),
        BYTES(PUSH_BODY_ONE " " PUSH_BODY_TWO " refs/heads/b\0side-band-64k"),
        BYTES(SHA256_ONE " " SHA256_ONE " refs/heads/b"),
        BYTES(PUSH_BODY_ONE " " PUSH_BODY_TWO " refs/heads/a"), // the same ref again
    };

    for (size_t i = 0; i < GL_ARRAY_SIZE(lines); i++) {
        struct push_commands *commands;
        struct text body = {0};

        push_body_add(&body, REF_UPDATE, "refs/heads/a", PUSH_BODY_CAPABILITIES);
        pktline_append(&body, lines[i]);
        pktline_append_flush(&body);
        commands = read_body(text_bytes(&body), PUSH_COMMANDS_REFUSED, REASON_PUSH_MALFORMED);
        // What came before is known, so that git can be told what was refused.
        check_command(commands, 0, "refs/heads/a", REF_UPDATE);
        assert_true(push_commands_capabilities(commands)->side_band_64k);
        push_commands_free(commands);
        text_free(&body);
    }
}

static void special_packets_and_other_framing_are_refused(void **state)
{
    static const char *const bodies[] = {"0001", "0002", "0003", "PACK", "GET / HTTP/1.1"};

    for (size_t i = 0; i < GL_ARRAY_SIZE(bodies); i++)
        push_commands_free(read_body(bytes_of_string(bodies[i]), PUSH_COMMANDS_REFUSED, REASON_PUSH_MALFORMED));
}

static void a_body_that_ends_too_early_is_refused(void **state)
{
    struct text body = {0};

    push_body_add(&body, REF_UPDATE, "refs/heads/a", PUSH_BODY_CAPABILITIES);
    pktline_append_flush(&body);
    for (size_t size = 0; size < body.size; size++) {
        struct push_commands *commands = read_body(bytes_of(body.data, size), PUSH_COMMANDS_MORE, REASON_NONE);
        struct verdict verdict;

        assert_false(push_commands_end(commands, &verdict));
        assert_int_equal(verdict.reason, REASON_PUSH_MALFORMED);
        push_commands_free(commands);
    }
    text_free(&body);
}

// A push of `count` refs with names of `padding` more characters.
static void add_many(struct text *body, size_t count, int padding)
{
    char ref[PUSH_REF_SIZE_MAX];

    for (size_t i = 0; i < count; i++) {
        snprintf(ref, sizeof(ref), "refs/heads/%05zu%0*d", i, padding, 0);
        push_body_add(body, REF_UPDATE, ref, i == 0 ? PUSH_BODY_CAPABILITIES : NULL);
    }
    pktline_append_flush(body);
}

static void ten_thousand_refs_pass_and_a_flood_does_not(void **state)
{
    static const struct {
        size_t count;
        int padding;
        enum push_commands_result result;
        enum reason reason;
    } cases[] = {
        {10000, 100, PUSH_COMMANDS_DONE, REASON_NONE},
        {PUSH_COMMANDS_MAX, 1, PUSH_COMMANDS_DONE, REASON_NONE},
        {PUSH_COMMANDS_MAX + 1, 1, PUSH_COMMANDS_REFUSED, REASON_PUSH_TOO_LARGE},
        {PUSH_COMMANDS_MAX, 200, PUSH_COMMANDS_REFUSED, REASON_PUSH_TOO_LARGE},
    };

    for (size_t i = 0; i < GL_ARRAY_SIZE(cases); i++) {
        struct push_commands *commands;
        struct text body = {0};

        add_many(&body, cases[i].count, cases[i].padding);
        commands = read_body(text_bytes(&body), cases[i].result, cases[i].reason);
        if (cases[i].result == PUSH_COMMANDS_DONE)
            assert_int_equal(push_commands_count(commands), cases[i].count);
        push_commands_free(commands);
        text_free(&body);
    }
}

static void options_and_shallow_lines_are_bounded_too(void **state)
{
    struct push_commands *commands = push_commands_new();
    enum push_commands_result result = PUSH_COMMANDS_MORE;
    struct verdict verdict = {0};
    struct text body = {0};

    pktline_append(&body, BYTES("shallow " PUSH_BODY_ONE));
    for (size_t sent = 0; result == PUSH_COMMANDS_MORE && sent < 2 * PUSH_COMMANDS_SIZE_MAX; sent += body.size)
        result = push_body_feed(commands, text_bytes(&body), SIZE_MAX, &verdict, NULL);
    assert_int_equal(result, PUSH_COMMANDS_REFUSED);
    assert_int_equal(verdict.reason, REASON_PUSH_TOO_LARGE);
    push_commands_free(commands);
    text_free(&body);
}

static void ref_names_are_those_that_git_allows(void **state)
{
    static const char *const good[] = {
        "refs/heads/main",    "refs/tags/v1.0",      "refs/heads/a/b/c", "refs/x",
        "refs/heads/@",       "refs/heads/\xc3\xa9", "refs/heads/a@b",   "refs/heads/-x",
        "refs/heads/a.lockx", "refs/heads/a{b",
    };
    static const char *const bad[] = {
        "",
        "refs",
        "refs/",
        "main",
        "HEAD",
        "/refs/heads/a",
        "refs/heads/",
        "refs//heads",
        "refs/heads/.a",
        "refs/heads/a.",
        "refs/heads/a..b",
        "refs/heads/a.lock",
        "refs/heads/a.lock/b",
        "refs/heads/a b",
        "refs/heads/a~1",
        "refs/heads/a^",
        "refs/heads/a:b",
        "refs/heads/a?",
        "refs/heads/*",
        "refs/heads/[a",
        "refs/heads/a\\b",
        "refs/heads/a@{1}",
        "refs/heads/a\x7f",
        "refs/heads/a\x1b[31m",
        "refs/heads/a\n",
        "Refs/heads/a",
        "refs/./a",
        "refs/../a",
    };

    for (size_t i = 0; i < GL_ARRAY_SIZE(good); i++)
        assert_true(push_ref_valid(bytes_of_string(good[i])));
    for (size_t i = 0; i < GL_ARRAY_SIZE(bad); i++)
        if (push_ref_valid(bytes_of_string(bad[i])))
            fail_msg("accepted: %s", bad[i]);
    assert_false(push_ref_valid(BYTES("refs/heads/a\0b")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(commands_are_read_however_they_are_cut),
        cmocka_unit_test(capabilities_shape_the_answer),
        cmocka_unit_test(shallow_lines_and_sha256_ids_are_read),
        cmocka_unit_test(push_options_are_read_where_they_were_chosen),
        cmocka_unit_test(a_probe_is_told_and_nothing_may_follow_it),
        cmocka_unit_test(where_all_is_deleted_no_pack_follows),
        cmocka_unit_test(what_git_would_not_send_is_refused),
        cmocka_unit_test(a_later_line_is_a_plain_command),
        cmocka_unit_test(special_packets_and_other_framing_are_refused),
        cmocka_unit_test(a_body_that_ends_too_early_is_refused),
        cmocka_unit_test(ten_thousand_refs_pass_and_a_flood_does_not),
        cmocka_unit_test(options_and_shallow_lines_are_bounded_too),
        cmocka_unit_test(ref_names_are_those_that_git_allows),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
