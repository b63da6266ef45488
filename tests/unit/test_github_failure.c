// Every answer of GitHub's that the table knows.
#include "github_failure.h"

#include "cmocka_unit.h"

#define LOCAL ((struct wall){1764000000000}) // Mon, 24 Nov 2025 16:00:00 GMT

struct row {
    int status;
    const char *message;
    const char *code;
    bool permanent;
};

static const struct row rows[] = {
    {401, "A JSON web token could not be decoded", "app_key", true},
    {401, "'Expiration time' claim ('exp') must be a numeric value representing the future time", "clock", true},
    {401, "'Issued at' claim ('iat') must be an Integer representing the time", "clock", true},
    {401, "'Issuer' claim ('iss') must be an Integer", "app_key", true},
    {401, "Bad credentials", "bad_credential", true},
    {403, "This installation has been suspended", "suspended", true},
    {403,
     "Although you appear to have the correct authorization credentials, the `acme` organization has an IP allow "
     "list enabled, and your IP address is not permitted",
     "ip_allow_list", true},
    {403, "API rate limit exceeded for installation ID 42.", "rate_limited", false},
    {429, "API rate limit exceeded", "rate_limited", false},
    {403, "You have exceeded a secondary rate limit. Please wait a few minutes", "rate_limited", false},
    {429, "", "rate_limited", false},
    {404, "Not Found", "not_installed", true},
    {404, "Integration not found", "app_key", true},
    {422, "There is at least one repository that does not exist or is not accessible to the parent installation.",
     "not_covered", true},
    {422, "The permissions requested are not granted to this installation.", "not_granted", true},
    {422, "Something new", "github_refused", true},
    {403, "Resource not accessible by integration", "github_refused", true},
    {451, "Repository access blocked", "github_refused", true},
    {500, "", "token_unreachable", false},
    {502, "Server Error", "token_unreachable", false},
    {503, "", "token_unreachable", false},
    {204, "", "token_source", false},
    {302, "", "token_source", false},
};

static struct github_host host;

static int make_host(void **state)
{
    return !github_host_init(&host, "github.com", NULL, NULL, NULL);
}

static int clear_host(void **state)
{
    github_host_clear(&host);
    return 0;
}

static void every_row(void **state)
{
    for (size_t i = 0; i < GL_ARRAY_SIZE(rows); i++) {
        char body[512];
        snprintf(body, sizeof(body), "{\"message\":\"%s\"}", rows[i].message);
        struct http_answer answer = {.status = rows[i].status, .body = bytes_of_string(body)};
        struct source_failure failure;

        github_failure(&host, &answer, LOCAL, &failure);
        assert_string_equal(reason_row(failure.verdict.reason)->code, rows[i].code);
        assert_int_equal(failure.permanent, rows[i].permanent);
        assert_int_equal(failure.retry_ms, 0);
        // GitHub's own words are quoted, but for what only says that it is broken.
        if (rows[i].status >= 400 && rows[i].status < 500)
            assert_non_null(strstr(failure.verdict.sentence, rows[i].message));
    }
}

static int64_t wait_of(struct http_answer answer)
{
    struct source_failure failure;

    answer.status = 403;
    answer.body = BYTES("{\"message\":\"API rate limit exceeded\"}");
    github_failure(&host, &answer, LOCAL, &failure);
    assert_int_equal(failure.verdict.reason, REASON_RATE_LIMITED);
    return failure.retry_ms;
}

static void waits_are_obeyed(void **state)
{
    assert_int_equal(wait_of((struct http_answer){.retry_after = "60"}), 60 * SECOND_MS);
    assert_int_equal(wait_of((struct http_answer){.retry_after = "Mon, 24 Nov 2025 16:02:00 GMT"}), 120 * SECOND_MS);
    // The reset is of GitHub's clock, which shows a minute more than ours.
    assert_int_equal(wait_of((struct http_answer){.rate_limit_remaining = "0",
                                                  .rate_limit_reset = "1764000300",
                                                  .date = "Mon, 24 Nov 2025 16:01:00 GMT"}),
                     240 * SECOND_MS);
    assert_int_equal(wait_of((struct http_answer){.rate_limit_remaining = "0", .rate_limit_reset = "1763999999"}), 0);
    assert_int_equal(wait_of((struct http_answer){.rate_limit_remaining = "17", .rate_limit_reset = "1764000300"}), 0);
    assert_int_equal(wait_of((struct http_answer){.retry_after = "99999999"}), 65 * MINUTE_MS);
    assert_int_equal(wait_of((struct http_answer){.retry_after = "-5"}), 0);
    assert_int_equal(wait_of((struct http_answer){.retry_after = "later"}), 0);
}

static void a_limit_is_told_by_its_headers_too(void **state)
{
    struct http_answer answer = {.status = 403, .retry_after = "30", .body = BYTES("{\"message\":\"slow down\"}")};
    struct source_failure failure;

    github_failure(&host, &answer, LOCAL, &failure);
    assert_int_equal(failure.verdict.reason, REASON_RATE_LIMITED);
    assert_false(failure.permanent);
    assert_int_equal(failure.retry_ms, 30 * SECOND_MS);
}

static void what_did_not_come(void **state)
{
    static const struct {
        enum http_result result;
        const char *code;
        bool slow;
    } ways[] = {
        {HTTP_UNREACHABLE, "token_unreachable", false},
        {HTTP_TIMED_OUT, "token_unreachable", true},
        {HTTP_UNTRUSTED, "upstream_tls", false},
        {HTTP_BROKEN, "token_source", false},
    };

    for (size_t i = 0; i < GL_ARRAY_SIZE(ways); i++) {
        struct http_answer answer = {.result = ways[i].result, .problem = "the words of curl"};
        struct source_failure failure;

        github_failure(&host, &answer, LOCAL, &failure);
        assert_string_equal(reason_row(failure.verdict.reason)->code, ways[i].code);
        assert_int_equal(failure.slow, ways[i].slow);
        assert_string_equal(failure.verdict.sentence, "api.github.com: the words of curl");
    }
}

static void a_page_of_html_is_not_quoted(void **state)
{
    struct http_answer answer = {.status = 403, .body = BYTES("<html><body>Corporate proxy</body></html>")};
    struct source_failure failure;

    github_failure(&host, &answer, LOCAL, &failure);
    assert_null(strstr(failure.verdict.sentence, "html"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row),
        cmocka_unit_test(waits_are_obeyed),
        cmocka_unit_test(a_limit_is_told_by_its_headers_too),
        cmocka_unit_test(what_did_not_come),
        cmocka_unit_test(a_page_of_html_is_not_quoted),
    };

    return cmocka_run_group_tests_name("github_failure", tests, make_host, clear_host);
}
