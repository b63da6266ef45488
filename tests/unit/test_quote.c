#include "quote.h"

#include "cmocka_unit.h"

#define NOW ((struct wall){1764000000000}) // Mon, 24 Nov 2025 16:00:00 GMT

// GitHub answers with this head and these words.
static struct verdict quoted(const char *status_and_fields, struct bytes words)
{
    char text[512];
    struct head head;
    struct quote quote = {0};
    struct verdict verdict;

    snprintf(text, sizeof(text), "HTTP/1.1 %s\r\n\r\n", status_and_fields);
    head_init(&head);
    assert_int_equal(head_parse_response(&head, bytes_of_string(text), sizeof(text)), HEAD_DONE);
    quote_begin(&quote, &head, NOW);
    quote_add(&quote, words);
    quote_verdict(&quote, &verdict);
    quote_clear(&quote);
    return verdict;
}

static void status_time_and_words_are_kept(void **state)
{
    static const struct {
        const char *head;
        int status;
        const char *code;
        unsigned retry_after_s;
        const char *sentence;
    } answers[] = {
        {"500 E\r\nContent-Type: text/plain", 500, "github_failed", 0, "GitHub answered 500: words"},
        {"503 U\r\nContent-Type: text/plain\r\nRetry-After: 7", 503, "github_failed", 7,
         "GitHub answered 503 and asks to wait 7 s: words"},
        {"504 G", 504, "github_failed", 0, "GitHub answered 504"},
        {"429 T\r\nRetry-After: Mon, 24 Nov 2025 16:00:30 GMT", 429, "rate_limited", 30,
         "GitHub answered 429 and asks to wait 30 s"},
        {"403 F\r\nContent-Type: text/plain", 403, "github_refused", 0, "GitHub answered 403: words"},
        {"403 F\r\nX-RateLimit-Remaining: 0\r\nX-RateLimit-Reset: 1764000060", 429, "rate_limited", 60,
         "GitHub answered 403 and asks to wait 60 s"},
        {"403 F\r\nX-RateLimit-Remaining: 9\r\nX-RateLimit-Reset: 1764000060", 403, "github_refused", 0,
         "GitHub answered 403"},
        {"404 N", 404, "github_not_found", 0, "GitHub answered 404"},
        {"410 G", 403, "github_refused", 0, "GitHub answered 410"},
    };

    for (size_t i = 0; i < GL_ARRAY_SIZE(answers); i++) {
        struct verdict verdict = quoted(answers[i].head, BYTES("words\n"));

        assert_int_equal(verdict_status(&verdict), answers[i].status);
        assert_string_equal(reason_row(verdict.reason)->code, answers[i].code);
        assert_int_equal(verdict.retry_after_s, answers[i].retry_after_s);
        assert_string_equal(verdict.sentence, answers[i].sentence);
    }
}

static void only_utf_8_and_ascii_are_quoted(void **state)
{
    static const struct {
        const char *type;
        struct bytes words;
        bool shown;
    } texts[] = {
        {"text/plain", BYTES("w"), true},
        {"Text/Plain", BYTES("w"), true},
        {"text/plain; charset=UTF-8", BYTES("caf\xc3\xa9"), true},
        {"text/plain;charset=\"utf-8\"", BYTES("w"), true},
        {"text/plain; format=flowed; charset=us-ascii", BYTES("w"), true},
        {"text/plain", BYTES("caf\xc3\xa9"), true},
        {"text/plain; charset=iso-8859-1", BYTES("w"), false},
        {"text/plain; Charset=utf-16", BYTES("w\0o\0"), false},
        {"text/plain; charset=shift_jis", BYTES("w"), false},
        {"text/plain", BYTES("caf\xe9"), false}, // Latin-1
        {"text/plain; charset=utf-8", BYTES("caf\xe9 au lait"), false},
        {"text/plain", BYTES("one\0two"), false},
        {"text/plainer", BYTES("w"), false},
        {"text/html", BYTES("w"), false},
        {"application/json", BYTES("w"), false},
    };

    for (size_t i = 0; i < GL_ARRAY_SIZE(texts); i++) {
        char head[128];
        struct verdict verdict;

        snprintf(head, sizeof(head), "403 F\r\nContent-Type: %s", texts[i].type);
        verdict = quoted(head, texts[i].words);
        if ((strcmp(verdict.sentence, "GitHub answered 403") != 0) != texts[i].shown)
            fail_msg("%s: %s", texts[i].type, verdict.sentence);
    }
}

static void long_words_are_cut_between_two_characters(void **state)
{
    char words[4000];
    struct verdict verdict;

    memset(words, 'x', sizeof(words));
    for (size_t i = 1; i + 2 < sizeof(words); i += 2)
        memcpy(words + i, "\xc3\xa9", 2);
    verdict = quoted("403 F\r\nContent-Type: text/plain", bytes_of(words, sizeof(words)));
    assert_memory_equal(verdict.sentence, "GitHub answered 403: x\xc3\xa9\xc3\xa9", 26);
    assert_true((unsigned char)verdict.sentence[strlen(verdict.sentence) - 1] == 0xa9);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(status_time_and_words_are_kept),
        cmocka_unit_test(only_utf_8_and_ascii_are_quoted),
        cmocka_unit_test(long_words_are_cut_between_two_characters),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
