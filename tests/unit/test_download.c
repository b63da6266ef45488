#include "download.h"

#include "exchange_fixture.h"

struct download_case {
    struct exchange_fixture fixture;
    struct download download;
    struct head answer;
};

static enum download_result run(struct download_case *downloading)
{
    struct exchange_fixture *fixture = &downloading->fixture;

    return download_run(&downloading->download, fixture->upstream_end.stream, &fixture->client, &fixture->request);
}

static void github_sends(struct download_case *downloading, const char *text)
{
    exchange_fixture_send(&downloading->fixture, &downloading->fixture.upstream_end, bytes_of_string(text));
}

static struct bytes client_receives(struct download_case *downloading)
{
    return exchange_fixture_receive(&downloading->fixture, &downloading->fixture.client_end);
}

// GitHub has sent this head, and what follows of the text.
static void open_case(struct download_case *downloading, const char *line, const char *answer)
{
    memset(downloading, 0, sizeof(*downloading));
    exchange_fixture_open(&downloading->fixture, EXCHANGE_FIXTURE_CREDENTIALS);
    exchange_fixture_ask(&downloading->fixture, "github.com", line, "");
    download_init(&downloading->download);
    github_sends(downloading, answer);
    head_init(&downloading->answer);
    assert_int_equal(
        head_parse_response(&downloading->answer, stream_input(downloading->fixture.upstream_end.stream), 65536),
        HEAD_DONE);
}

static void begin(struct download_case *downloading, const char *line, const char *answer, size_t copy_max)
{
    open_case(downloading, line, answer);
    download_begin(&downloading->download, &downloading->answer, &downloading->fixture.request, false, copy_max);
}

static void end(struct download_case *downloading)
{
    download_clear(&downloading->download);
    exchange_fixture_close(&downloading->fixture);
}

#define FETCH "POST /acme/widgets.git/git-upload-pack"

static void an_answer_is_passed_on_as_it_comes(void **state)
{
    struct download_case downloading;

    begin(&downloading, FETCH, "HTTP/1.1 200 OK\r\nSet-Cookie: a=b\r\nContent-Length: 8\r\n\r\nPACK", 0);
    assert_int_equal(run(&downloading), DOWNLOAD_MORE);
    assert_true(downloading.download.head_passed);
    assert_bytes(client_receives(&downloading), "HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nPACK");
    github_sends(&downloading, "1234HTTP/1.1 200");
    assert_int_equal(run(&downloading), DOWNLOAD_DONE);
    assert_bytes(client_receives(&downloading), "1234");
    assert_int_equal(downloading.download.bytes, 8);
    assert_true(download_keeps_upstream(&downloading.download));
    assert_bytes(stream_input(downloading.fixture.upstream_end.stream), "HTTP/1.1 200");
    end(&downloading);
}

static void an_answer_that_breaks_off_is_lost(void **state)
{
    static const char *const answers[] = {"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nPACK",
                                          "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nPACK\r\n"};

    for (size_t i = 0; i < GL_ARRAY_SIZE(answers); i++) {
        struct download_case downloading;

        begin(&downloading, FETCH, answers[i], 0);
        assert_int_equal(run(&downloading), DOWNLOAD_MORE);
        exchange_end_close_peer(&downloading.fixture.upstream_end);
        exchange_fixture_settle(&downloading.fixture);
        assert_int_equal(run(&downloading), DOWNLOAD_LOST);
        end(&downloading);
    }
}

static void what_is_framed_by_its_end_alone_ends_the_connection(void **state)
{
    struct download_case downloading;

    begin(&downloading, FETCH, "HTTP/1.1 200 OK\r\n\r\nPACK", 0);
    assert_true(downloading.download.close);
    assert_int_equal(run(&downloading), DOWNLOAD_MORE);
    exchange_end_close_peer(&downloading.fixture.upstream_end);
    exchange_fixture_settle(&downloading.fixture);
    assert_int_equal(run(&downloading), DOWNLOAD_DONE);
    assert_false(download_keeps_upstream(&downloading.download));
    end(&downloading);
}

static void malformed_chunks_are_not_passed_on(void **state)
{
    struct download_case downloading;

    begin(&downloading, FETCH, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", 0);
    assert_int_equal(run(&downloading), DOWNLOAD_MALFORMED);
    end(&downloading);
}

static void a_client_that_reads_slowly_holds_github_back(void **state)
{
    struct download_case downloading;
    static char answer[50001];
    size_t received = 0, whole, size = (size_t)snprintf(answer, sizeof(answer), "HTTP/1.1 200 OK\r\nContent-Length: ");

    size += (size_t)snprintf(answer + size, sizeof(answer) - size, "%d\r\n\r\n", 40000);
    whole = size + 40000;
    memset(answer + size, 'x', 40000);
    begin(&downloading, FETCH, answer, 0);
    assert_int_equal(run(&downloading), DOWNLOAD_MORE);
    assert_true(download_is_stuck(&downloading.download));
    while (received < whole) {
        enum download_result result;

        received += client_receives(&downloading).size;
        if (downloading.download.bytes < 40000) {
            result = run(&downloading);
            assert_int_equal(result, downloading.download.bytes < 40000 ? DOWNLOAD_MORE : DOWNLOAD_DONE);
        }
    }
    assert_int_equal(received, whole);
    assert_false(download_is_stuck(&downloading.download));
    end(&downloading);
}

static void the_copy_is_the_payload_up_to_its_limit(void **state)
{
    struct download_case downloading;

    begin(&downloading, FETCH, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n3\r\ndef\r\n0\r\n\r\n",
          5);
    assert_int_equal(run(&downloading), DOWNLOAD_DONE);
    assert_bytes(text_bytes(&downloading.download.copy), "abcde");
    end(&downloading);
}

static void an_error_is_read_to_be_quoted(void **state)
{
    struct download_case downloading;
    struct verdict verdict;
    struct stream *upstream;

    open_case(&downloading, FETCH,
              "HTTP/1.1 404 Not Found\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nRepos\r\n");
    upstream = downloading.fixture.upstream_end.stream;
    download_begin_quote(&downloading.download, upstream, &downloading.answer, &downloading.fixture.request,
                         downloading.fixture.manual.wall_now);
    assert_int_equal(download_read_quote(&downloading.download, upstream), DOWNLOAD_MORE);
    github_sends(&downloading, "6\r\nitory.\r\n0\r\n\r\n");
    assert_int_equal(download_read_quote(&downloading.download, upstream), DOWNLOAD_DONE);
    quote_verdict(&downloading.download.quote, &verdict);
    assert_int_equal(verdict.reason, REASON_GITHUB_NOT_FOUND);
    assert_string_equal(verdict.sentence, "GitHub answered 404: Repository.");
    assert_false(downloading.download.head_passed);
    assert_bytes(client_receives(&downloading), "");
    end(&downloading);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_is_passed_on_as_it_comes),
        cmocka_unit_test(an_answer_that_breaks_off_is_lost),
        cmocka_unit_test(what_is_framed_by_its_end_alone_ends_the_connection),
        cmocka_unit_test(malformed_chunks_are_not_passed_on),
        cmocka_unit_test(a_client_that_reads_slowly_holds_github_back),
        cmocka_unit_test(the_copy_is_the_payload_up_to_its_limit),
        cmocka_unit_test(an_error_is_read_to_be_quoted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
