// What is counted, in Prometheus' text format. One table names every metric; names and labels
// never change once released. For the loop's thread alone.
#ifndef GITLATCH_METRICS_H
#define GITLATCH_METRICS_H

#include <stdbool.h>
#include <stddef.h>

#include <gitlatch/attr.h>

#include "text.h"

#define METRIC_LABELS_MAX 3
// Series a metric; what comes beyond is counted in one whose labels are all "other". 512 scopes of tokens, or
// 6 operations × 3 decisions × 28 statuses.
#define METRIC_SERIES_MAX 512

// METRIC(NAME, type, name, help, label names…)
// clang-format off
#define METRIC_LIST(METRIC) \
    METRIC(REQUESTS, COUNTER, "gitlatch_requests_total", "Requests that were answered.", "operation", "decision", "status") \
    METRIC(REQUEST_DURATION, HISTOGRAM, "gitlatch_request_duration_seconds", "Time from a request's first byte to its answer's last.", "operation") \
    METRIC(BYTES, COUNTER, "gitlatch_bytes_total", "Body bytes carried.", "operation", "direction") \
    METRIC(CONNECTIONS, GAUGE, "gitlatch_connections", "Open connections.", "side") \
    METRIC(CLIENT_TLS_FAILURES, COUNTER, "gitlatch_client_tls_failures_total", "TLS of the workspace that ended before a request: the client may not trust the CA.", "how") \
    METRIC(UPSTREAM_CONNECTIONS, COUNTER, "gitlatch_upstream_connections_total", "Upstream connections asked for.", "result") \
    METRIC(TOKEN_EXPIRATION, GAUGE, "gitlatch_token_expiration_timestamp_seconds", "When a token in the cache expires.", "source", "scope") \
    METRIC(TOKEN_MINTS, COUNTER, "gitlatch_token_mints_total", "Tokens asked for.", "source", "result") \
    METRIC(TOKEN_MINT_DURATION, HISTOGRAM, "gitlatch_token_mint_duration_seconds", "Time until a token came.", "source", "result") \
    METRIC(RATE_LIMIT_REMAINING, GAUGE, "gitlatch_github_rate_limit_remaining", "Requests that GitHub still allows in this hour.", "source") \
    METRIC(DENIALS, COUNTER, "gitlatch_denials_total", "Requests refused or failed, by reason.", "reason") \
    METRIC(AUDIT_DROPPED, COUNTER, "gitlatch_audit_dropped_total", "Audit events lost because their sink was slow, full or gone.") \
    METRIC(RELOAD_TIME, GAUGE, "gitlatch_reload_timestamp_seconds", "When the configuration was last read again.", "result") \
    METRIC(RELOADS, COUNTER, "gitlatch_reloads_total", "Configurations read again.", "result") \
    METRIC(LOOP_LAG, GAUGE, "gitlatch_loop_lag_seconds", "Worst delay of the event loop in the last seconds.") \
    METRIC(CERTIFICATE_EXPIRATION, GAUGE, "gitlatch_certificate_expiration_timestamp_seconds", "When a certificate of this process expires.", "kind") \
    METRIC(BROKER_CALLS, COUNTER, "gitlatch_broker_calls_total", "Calls of proven callers; a subject that is granted nothing is not named.", "issuer", "subject", "decision") \
    METRIC(SIGNATURES, COUNTER, "gitlatch_signatures_total", "Signatures of commits and tags that were asked for.", "result") \
    METRIC(BUILD_INFO, GAUGE, "gitlatch_build_info", "1, with the version.", "version")
// clang-format on

enum metric {
#define METRIC_ENUM(name, ...) METRIC_##name,
    METRIC_LIST(METRIC_ENUM)
#undef METRIC_ENUM
        METRIC_COUNT,
};

// The values of a metric's labels, in the order of the table.
#define METRIC_LABELS(...) ((const char *const[METRIC_LABELS_MAX]){__VA_ARGS__})
// For a metric without labels.
#define METRIC_NO_LABELS ((const char *const[METRIC_LABELS_MAX]){NULL})

struct metrics;

// With gitlatch_build_info set. A metric without labels is there from the start, the others with their first
// value.
struct metrics *metrics_new(void) GL_MUST_CHECK;
void metrics_free(struct metrics *metrics);

// Each makes the series with these labels where it is not there. Counters go up (`amount` >= 0), gauges both ways.
void metrics_add(struct metrics *metrics, enum metric metric, const char *const *labels, double amount);
// A gauge, or a counter that is kept elsewhere.
void metrics_set(struct metrics *metrics, enum metric metric, const char *const *labels, double value);
// A histogram.
void metrics_observe(struct metrics *metrics, enum metric metric, const char *const *labels, double value);
// Takes a series away (a token that was let go). Nothing where it is not there.
void metrics_remove(struct metrics *metrics, enum metric metric, const char *const *labels);
// The value of a counter or gauge, the count of a histogram; 0 where it is not there. For tests and the
// status page.
double metrics_value(const struct metrics *metrics, enum metric metric, const char *const *labels);

// Calls `fn` before each metrics_write, so that it can set gauges whose value lives elsewhere.
typedef void metrics_collect_fn(struct metrics *metrics, void *arg);
void metrics_collect(struct metrics *metrics, metrics_collect_fn *fn, void *arg);

// Text format 0.0.4, for `Content-Type: text/plain; version=0.0.4; charset=utf-8`. Without
// `repository_labels` the label `scope`, which names repositories, is left out; series that fall together
// give the lowest value (the first token to expire).
void metrics_write(struct metrics *metrics, struct text *text, bool repository_labels);

#endif
