#include "metrics.h"

#include "cmocka_unit.h"

static int set_up(void **state)
{
    *state = metrics_new();
    return 0;
}

static int tear_down(void **state)
{
    metrics_free(*state);
    return 0;
}

static void assert_page(struct metrics *metrics, bool repository_labels, const char *expected)
{
    struct text page = {0};

    metrics_write(metrics, &page, repository_labels);
    if (!strstr(text_string(&page), expected))
        fail_msg("not in the page: %s\n%s", expected, text_string(&page));
    text_free(&page);
}

static void assert_not_in_page(struct metrics *metrics, bool repository_labels, const char *unexpected)
{
    struct text page = {0};

    metrics_write(metrics, &page, repository_labels);
    assert_null(strstr(text_string(&page), unexpected));
    text_free(&page);
}

static void a_new_page(void **state)
{
    struct text page = {0};

    metrics_write(*state, &page, true);
    assert_string_equal(
        text_string(&page),
        "# HELP gitlatch_audit_dropped_total Audit events lost because their sink was slow, full or gone.\n"
        "# TYPE gitlatch_audit_dropped_total counter\n"
        "gitlatch_audit_dropped_total 0\n"
        "# HELP gitlatch_loop_lag_seconds Worst delay of the event loop in the last seconds.\n"
        "# TYPE gitlatch_loop_lag_seconds gauge\n"
        "gitlatch_loop_lag_seconds 0\n"
        "# HELP gitlatch_build_info 1, with the version.\n"
        "# TYPE gitlatch_build_info gauge\n"
        "gitlatch_build_info{version=\"" GITLATCH_VERSION "\"} 1\n");
    text_free(&page);
}

static void counters_and_gauges(void **state)
{
    metrics_add(*state, METRIC_REQUESTS, METRIC_LABELS("fetch", "allow", "200"), 1);
    metrics_add(*state, METRIC_REQUESTS, METRIC_LABELS("fetch", "allow", "200"), 1);
    metrics_add(*state, METRIC_REQUESTS, METRIC_LABELS("fetch", "deny", "403"), 1);
    metrics_add(*state, METRIC_BYTES, METRIC_LABELS("fetch", "down"), 4503599627370496.0);
    metrics_add(*state, METRIC_BYTES, METRIC_LABELS("fetch", "down"), 1);
    metrics_add(*state, METRIC_CONNECTIONS, METRIC_LABELS("client"), 1);
    metrics_add(*state, METRIC_CONNECTIONS, METRIC_LABELS("client"), -1);
    metrics_set(*state, METRIC_LOOP_LAG, METRIC_NO_LABELS, 0.125);
    metrics_set(*state, METRIC_CERTIFICATE_EXPIRATION, METRIC_LABELS("ca"), 1764000000);

    assert_page(*state, true,
                "# TYPE gitlatch_requests_total counter\n"
                "gitlatch_requests_total{operation=\"fetch\",decision=\"allow\",status=\"200\"} 2\n"
                "gitlatch_requests_total{operation=\"fetch\",decision=\"deny\",status=\"403\"} 1\n");
    assert_page(*state, true, "gitlatch_bytes_total{operation=\"fetch\",direction=\"down\"} 4503599627370497\n");
    assert_page(*state, true, "gitlatch_connections{side=\"client\"} 0\n");
    assert_page(*state, true, "\ngitlatch_loop_lag_seconds 0.125\n");
    assert_page(*state, true, "{kind=\"ca\"} 1764000000\n");
    assert_true(metrics_value(*state, METRIC_REQUESTS, METRIC_LABELS("fetch", "allow", "200")) == 2);
    assert_true(metrics_value(*state, METRIC_REQUESTS, METRIC_LABELS("push", "allow", "200")) == 0);
}

static void histogram_buckets_are_cumulative(void **state)
{
    const char *const *labels = METRIC_LABELS("app", "ok");

    metrics_observe(*state, METRIC_TOKEN_MINT_DURATION, labels, 0.005);
    metrics_observe(*state, METRIC_TOKEN_MINT_DURATION, labels, 0.3);
    metrics_observe(*state, METRIC_TOKEN_MINT_DURATION, labels, 0.4);
    metrics_observe(*state, METRIC_TOKEN_MINT_DURATION, labels, 1000);
#define NAME                      "gitlatch_token_mint_duration_seconds"
#define SAMPLE(suffix, le, count) NAME suffix "{source=\"app\",result=\"ok\"" le "} " count "\n"
#define BUCKET(le, count)         SAMPLE("_bucket", ",le=\"" le "\"", count)
    assert_page(*state, true,
                "# TYPE " NAME " histogram\n" BUCKET("0.005", "1") BUCKET("0.01", "1") BUCKET("0.025", "1")
                    BUCKET("0.05", "1") BUCKET("0.1", "1") BUCKET("0.25", "1") BUCKET("0.5", "3") BUCKET("1", "3")
                        BUCKET("2.5", "3") BUCKET("5", "3") BUCKET("10", "3") BUCKET("30", "3") BUCKET("60", "3")
                            BUCKET("300", "3") BUCKET("+Inf", "4") SAMPLE("_sum", "", "1000.705")
                                SAMPLE("_count", "", "4"));
    assert_true(metrics_value(*state, METRIC_TOKEN_MINT_DURATION, labels) == 4);
}

static void label_values_are_escaped(void **state)
{
    metrics_add(*state, METRIC_DENIALS, METRIC_LABELS("a\"b\\c\nd"), 1);
    assert_page(*state, true, "gitlatch_denials_total{reason=\"a\\\"b\\\\c\\nd\"} 1\n");
}

static void beyond_the_bound_all_is_other(void **state)
{
    char scope[32];

    for (int i = 0; i < 2 * METRIC_SERIES_MAX; i++) {
        snprintf(scope, sizeof(scope), "acme/r%d", i);
        metrics_set(*state, METRIC_TOKEN_EXPIRATION, METRIC_LABELS("app", scope), 1000 + i);
    }
    snprintf(scope, sizeof(scope), "scope=\"acme/r%d\"", METRIC_SERIES_MAX - 2);
    assert_page(*state, true, scope);
    snprintf(scope, sizeof(scope), "scope=\"acme/r%d\"", METRIC_SERIES_MAX - 1);
    assert_not_in_page(*state, true, scope);
    assert_page(*state, true, "{source=\"other\",scope=\"other\"} 2023\n");
}

static void removed_series_are_gone(void **state)
{
    metrics_set(*state, METRIC_TOKEN_EXPIRATION, METRIC_LABELS("app", "a/b"), 1);
    metrics_set(*state, METRIC_TOKEN_EXPIRATION, METRIC_LABELS("app", "a/c"), 2);
    metrics_remove(*state, METRIC_TOKEN_EXPIRATION, METRIC_LABELS("app", "a/b"));
    metrics_remove(*state, METRIC_TOKEN_EXPIRATION, METRIC_LABELS("app", "a/b"));
    assert_not_in_page(*state, true, "a/b");
    assert_page(*state, true, "a/c");
}

// A scraper that may not know repositories sees when the first token of a source ends.
static void repositories_can_be_left_out(void **state)
{
    metrics_set(*state, METRIC_TOKEN_EXPIRATION, METRIC_LABELS("app", "a/b"), 300);
    metrics_set(*state, METRIC_TOKEN_EXPIRATION, METRIC_LABELS("file", "a/b"), 50);
    metrics_set(*state, METRIC_TOKEN_EXPIRATION, METRIC_LABELS("app", "a/c"), 100);
    assert_page(*state, false,
                "# TYPE gitlatch_token_expiration_timestamp_seconds gauge\n"
                "gitlatch_token_expiration_timestamp_seconds{source=\"app\"} 100\n"
                "gitlatch_token_expiration_timestamp_seconds{source=\"file\"} 50\n"
                "#");
    assert_not_in_page(*state, false, "a/b");
}

static void on_collect(struct metrics *metrics, void *arg)
{
    metrics_set(metrics, METRIC_LOOP_LAG, METRIC_NO_LABELS, *(double *)arg);
}

static void collectors_are_asked_before_each_page(void **state)
{
    double lag = 1;

    metrics_collect(*state, on_collect, &lag);
    assert_page(*state, true, "\ngitlatch_loop_lag_seconds 1\n");
    lag = 2;
    assert_page(*state, true, "\ngitlatch_loop_lag_seconds 2\n");
}

#define METRICS_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        METRICS_TEST(a_new_page),
        METRICS_TEST(counters_and_gauges),
        METRICS_TEST(histogram_buckets_are_cumulative),
        METRICS_TEST(label_values_are_escaped),
        METRICS_TEST(beyond_the_bound_all_is_other),
        METRICS_TEST(removed_series_are_gone),
        METRICS_TEST(repositories_can_be_left_out),
        METRICS_TEST(collectors_are_asked_before_each_page),
    };

    return cmocka_run_group_tests_name("metrics", tests, NULL, NULL);
}
