#include "distrust.h"

#include "log.h"
#include "loop.h"
#include "mem.h"
#include "metrics.h"
#include "pace.h"
#include "session.h"
#include "stream.h"
#include "text.h"

static const struct pace_rate log_rate = {.interval_ms = 1 * MINUTE_MS, .burst = 1};

struct distrust {
    struct loop *loop;
    struct metrics *metrics;
    struct pace log_pace;
    uint64_t count, unlogged;
    struct wall last;
    char client[ADDRESS_TEXT_SIZE]; // the last one,
    struct host_name host;          // and what it asked for
};

struct distrust *distrust_new(struct loop *loop, struct metrics *metrics)
{
    struct distrust *distrust = mem_alloc_zero(1, sizeof(*distrust));

    distrust->loop = loop;
    distrust->metrics = metrics;
    // A failure is counted from its first: a series that appears with 1 has no increase.
    metrics_add(metrics, METRIC_CLIENT_TLS_FAILURES, METRIC_LABELS("silent"), 0);
    metrics_add(metrics, METRIC_CLIENT_TLS_FAILURES, METRIC_LABELS("handshake"), 0);
    return distrust;
}

void distrust_free(struct distrust *distrust)
{
    mem_free(distrust);
}

void distrust_count(struct distrust *distrust, const struct session *session)
{
    bool silent = session->state != SESSION_HANDSHAKE;
    const char *failure = stream_failure(session->client.stream);

    distrust->count++;
    distrust->unlogged++;
    distrust->last = clock_wall(loop_clock(distrust->loop));
    distrust->host = session->client.host;
    memcpy(distrust->client, session->client.peer, sizeof(distrust->client));
    metrics_add(distrust->metrics, METRIC_CLIENT_TLS_FAILURES, METRIC_LABELS(silent ? "silent" : "handshake"), 1);
    if (!pace_take(&distrust->log_pace, &log_rate, loop_now(distrust->loop)))
        return;
    log_warn(
        "session",
        "%s: TLS for %s ended before a request (%s); does the client trust the published CA? `gitlatch doctor` tests it; "
        "%llu since the last such line",
        session->client.peer, session->client.host.text, silent ? "the client closed without a word" : failure,
        (unsigned long long)distrust->unlogged);
    distrust->unlogged = 0;
}

void distrust_append(const struct distrust *distrust, struct text *text)
{
    char time[WALL_TEXT_SIZE];

    if (distrust->count == 0)
        return;
    wall_format_rfc3339(distrust->last, WALL_SECONDS, time);
    text_format(text, ",\"distrust\":{\"count\":%llu,\"last\":\"%s\",\"client\":\"%s\",\"host\":\"%s\"}",
                (unsigned long long)distrust->count, time, distrust->client, distrust->host.text);
}
