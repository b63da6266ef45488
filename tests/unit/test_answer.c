#include "answer.h"

#include <gitlatch/reason.h>

#include "cmocka_unit.h"
#include "head.h"

static void check(struct answer answer, const char *expected)
{
    char text[2048];
    struct wire out = wire_of(text, sizeof(text));

    assert_true(answer_write(&answer, &out));
    if (!bytes_equal(bytes_of(text, out.size), bytes_of_string(expected)))
        fail_msg("got\n%.*s\nexpected\n%s", (int)out.size, text, expected);
}

static void answers_are_written(void **state)
{
    check((struct answer){.status = 403, .content_type = BYTES("a/b"), .body = BYTES("a\n"), .close = true},
          "HTTP/1.1 403 Forbidden\r\nContent-Type: a/b\r\nX-Content-Type-Options: nosniff\r\n"
          "Content-Length: 2\r\nCache-Control: no-store\r\nConnection: close\r\n\r\na\n");
    check((struct answer){.status = 503, .retry_after_s = 4294967295u},
          "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nCache-Control: no-store\r\n"
          "Retry-After: 4294967295\r\n\r\n");
    check((struct answer){.status = 407, .proxy_authenticate = BYTES("Basic realm=\"gitlatch\"")},
          "HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\nCache-Control: no-store\r\n"
          "Proxy-Authenticate: Basic realm=\"gitlatch\"\r\n\r\n");
    check((struct answer){.status = 301, .location = BYTES("https://github.com/acme/new")},
          "HTTP/1.1 301 Moved Permanently\r\nContent-Length: 0\r\nCache-Control: no-store\r\n"
          "Location: https://github.com/acme/new\r\n\r\n");
    check((struct answer){.status = 405, .allow = BYTES("GET, POST")},
          "HTTP/1.1 405 Method Not Allowed\r\nContent-Length: 0\r\nCache-Control: no-store\r\n"
          "Allow: GET, POST\r\n\r\n");
}

static void head_is_answered_without_the_body(void **state)
{
    check((struct answer){.status = 404, .body = BYTES("no\n"), .omit_body = true},
          "HTTP/1.1 404 Not Found\r\nContent-Length: 3\r\nCache-Control: no-store\r\n\r\n");
}

static void room_is_enough_and_checked(void **state)
{
    struct answer answer = {.status = 431,
                            .content_type = BYTES("application/vnd.git-lfs+json"),
                            .body = BYTES("{}"),
                            .close = true,
                            .retry_after_s = 4294967295u,
                            .location = BYTES("l"),
                            .allow = BYTES("a"),
                            .proxy_authenticate = BYTES("p")};
    size_t views = answer.content_type.size + answer.body.size + 3;
    char text[ANSWER_ROOM + 64];
    struct wire out = wire_of(text, ANSWER_ROOM + views);
    size_t size;

    assert_true(answer_write(&answer, &out));
    size = out.size;
    for (size_t capacity = 0; capacity < size; capacity++) {
        out = wire_of(text, capacity);
        assert_false(answer_write(&answer, &out));
    }
}

// Whatever reason gitlatch answers with, its status has a phrase.
static void each_reasons_status_has_a_phrase(void **state)
{
    for (enum reason reason = REASON_NONE + 1; reason < REASON_COUNT; reason++) {
        int status = reason_row(reason)->status;

        if (reason != REASON_CLIENT_GONE && bytes_equal(answer_phrase(status), BYTES("Unknown")))
            fail_msg("%d", status);
    }
}

static void what_stands_for_itself_is_well_formed(void **state)
{
    struct head head;

    head_init(&head);
    assert_int_equal(head_parse_response(&head, ANSWER_CONNECTED, ANSWER_ROOM), HEAD_DONE);
    assert_int_equal(head.status, 200);
    head_init(&head);
    assert_int_equal(head_parse_response(&head, ANSWER_CONTINUE, ANSWER_ROOM), HEAD_DONE);
    assert_int_equal(head.status, 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_are_written),
        cmocka_unit_test(head_is_answered_without_the_body),
        cmocka_unit_test(room_is_enough_and_checked),
        cmocka_unit_test(each_reasons_status_has_a_phrase),
        cmocka_unit_test(what_stands_for_itself_is_well_formed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
