#include "pool.h"

#include "mem.h"
#include "metrics.h"
#include "stream.h"
#include "tls_client.h"

// As many idle connections are kept as were in use at a time, until they time out: hundreds of clients are busy in bursts,
// and a handshake costs more than ten requests. Beyond this number, one that none of them will do for takes the place of
// the oldest, so that there are never more connections than clients and these together.
#define IDLE_MAX 64
// A warm connection that was lost is made again after this, doubled each time it is lost within the longest delay, or
// cannot be made.
#define WARM_DELAY_MIN_MS 1000
#define WARM_DELAY_MAX_MS 60000
// A warm connection that has grown old serves on this long, until the one that replaces it is there.
#define WARM_OVERLAP_MS 5000

struct pool_request {
    struct pool *pool;
    struct dial *dial;
    char *host;
    char *owner;
    uint16_t port;
    pool_done_fn *done;
    void *arg;
};

// A host to which one unused connection is kept ready.
struct warm {
    struct pool *pool;
    struct warm *next;
    char *host;
    uint16_t port;
    struct pool_request *dialing;
    struct timer timer;
    int64_t delay_ms;
    struct mono made; // when it was last there
};

struct pool {
    struct pool_options options;
    struct upstream *newest, *oldest; // idle ones
    size_t idle_count;
    struct warm *warms;
    size_t open_count;
};

static void count_connection(struct pool *pool, const char *result)
{
    metrics_add(pool->options.metrics, METRIC_UPSTREAM_CONNECTIONS, METRIC_LABELS(result), 1);
}

static void change_open(struct pool *pool, int by)
{
    pool->open_count += (size_t)by;
    metrics_add(pool->options.metrics, METRIC_CONNECTIONS, METRIC_LABELS("upstream"), by);
}

static void destroy(struct upstream *upstream)
{
    change_open(upstream->pool, -1);
    timer_stop(&upstream->idle);
    stream_free(upstream->stream);
    mem_free(upstream->host);
    mem_free(upstream->owner);
    mem_free(upstream);
}

static void unlink_idle(struct upstream *upstream)
{
    struct pool *pool = upstream->pool;

    *(upstream->previous ? &upstream->previous->next : &pool->newest) = upstream->next;
    *(upstream->next ? &upstream->next->previous : &pool->oldest) = upstream->previous;
    upstream->next = upstream->previous = NULL;
    pool->idle_count--;
    timer_stop(&upstream->idle);
}

static bool is_for(const struct upstream *upstream, const char *host, uint16_t port)
{
    return upstream->port == port && strcmp(upstream->host, host) == 0;
}

static struct warm *find_warm(struct pool *pool, const char *host, uint16_t port)
{
    for (struct warm *warm = pool->warms; warm; warm = warm->next)
        if (warm->port == port && strcmp(warm->host, host) == 0)
            return warm;
    return NULL;
}

static void retry_warm(struct warm *warm)
{
    timer_start(&warm->timer, warm->delay_ms);
    warm->delay_ms = warm->delay_ms * 2 < WARM_DELAY_MAX_MS ? warm->delay_ms * 2 : WARM_DELAY_MAX_MS;
}

// Makes the warm connection to a host anew, where one is kept: `upstream` was it, and is taken or grows old.
static void replace_warm(const struct upstream *upstream)
{
    struct warm *warm = find_warm(upstream->pool, upstream->host, upstream->port);

    if (!warm || warm->dialing || timer_pending(&warm->timer))
        return;
    warm->delay_ms = WARM_DELAY_MIN_MS;
    timer_start(&warm->timer, 0);
}

// The same after a pause, which grows while GitHub goes on closing it at once.
static void replace_lost(const struct upstream *upstream)
{
    struct pool *pool = upstream->pool;
    struct warm *warm = find_warm(pool, upstream->host, upstream->port);

    if (!warm || warm->dialing || timer_pending(&warm->timer))
        return;
    if (loop_now(pool->options.loop).ms - warm->made.ms >= WARM_DELAY_MAX_MS)
        warm->delay_ms = WARM_DELAY_MIN_MS;
    retry_warm(warm);
}

static void close_idle(struct upstream *upstream)
{
    unlink_idle(upstream);
    destroy(upstream);
}

static void on_idle_timeout(void *arg)
{
    struct upstream *upstream = arg;

    if (upstream->owner || upstream->aged) {
        close_idle(upstream);
        return;
    }
    upstream->aged = true;
    timer_start(&upstream->idle, WARM_OVERLAP_MS);
    replace_warm(upstream);
}

// A peer that speaks or closes while nothing was asked: the connection is of no use.
static void on_idle_input(void *arg)
{
    struct upstream *upstream = arg;

    if (!upstream->owner)
        replace_lost(upstream);
    close_idle(upstream);
}

static void on_idle_output(void *arg)
{
}

static const struct stream_callbacks idle_callbacks = {.on_input = on_idle_input, .on_output = on_idle_output};

// The one that makes room: not the warm one, unless there are only such.
static struct upstream *oldest_used(const struct pool *pool)
{
    struct upstream *upstream = pool->oldest;

    while (upstream && !upstream->owner)
        upstream = upstream->previous;
    return upstream ? upstream : pool->oldest;
}

static void keep_idle(struct upstream *upstream)
{
    struct pool *pool = upstream->pool;

    upstream->next = pool->newest;
    *(pool->newest ? &pool->newest->previous : &pool->oldest) = upstream;
    pool->newest = upstream;
    pool->idle_count++;
    timer_start(&upstream->idle, pool->options.idle_ms);
    stream_set_owner(upstream->stream, &idle_callbacks, upstream);
    stream_want_input(upstream->stream, true);
}

struct upstream *pool_take(struct pool *pool, const char *host, uint16_t port, const char *owner)
{
    struct upstream *unused = NULL;

    for (struct upstream *upstream = pool->newest; upstream; upstream = upstream->next) {
        if (!is_for(upstream, host, port))
            continue;
        if (upstream->owner && strcmp(upstream->owner, owner) == 0) {
            unlink_idle(upstream);
            upstream->reused = true;
            count_connection(pool, "reused");
            return upstream;
        }
        if (!upstream->owner && !unused)
            unused = upstream;
    }
    if (!unused)
        return NULL;
    unlink_idle(unused);
    unused->owner = mem_string(owner);
    unused->reused = true; // as old as one that carried a request: the peer may have closed it
    count_connection(pool, "reused");
    replace_warm(unused);
    return unused;
}

static void free_request(struct pool_request *request)
{
    mem_free(request->host);
    mem_free(request->owner);
    mem_free(request);
}

static void on_pool_dialed(void *arg, struct stream *stream, const struct verdict *verdict)
{
    struct pool_request *request = arg;
    struct pool *pool = request->pool;
    struct upstream *upstream = NULL;

    count_connection(pool, stream ? "new" : "failed");
    if (stream) {
        upstream = mem_alloc_zero(1, sizeof(*upstream));
        upstream->stream = stream;
        upstream->pool = pool;
        upstream->host = mem_string(request->host);
        upstream->owner = mem_string(request->owner);
        upstream->port = request->port;
        timer_init(&upstream->idle, pool->options.loop, on_idle_timeout, upstream);
        change_open(pool, 1);
    }
    request->done(request->arg, upstream, verdict);
    free_request(request);
}

struct pool_request *pool_dial(struct pool *pool, const char *host, uint16_t port, const char *owner,
                               pool_done_fn *done, void *arg)
{
    struct pool_request *request = mem_alloc_zero(1, sizeof(*request));
    struct dial_request dial = {.host = host, .port = port, .absolute = true, .tls = pool->options.tls};

    if (pool->idle_count >= IDLE_MAX)
        close_idle(oldest_used(pool));
    request->pool = pool;
    request->host = mem_string(host);
    request->owner = mem_string(owner);
    request->port = port;
    request->done = done;
    request->arg = arg;
    request->dial = dial_start(pool->options.dialer, &dial, on_pool_dialed, request);
    return request;
}

void pool_cancel(struct pool_request *request)
{
    dial_cancel(request->dial);
    free_request(request);
}

void pool_give(struct upstream *upstream, bool keep)
{
    if (keep && stream_end(upstream->stream) == STREAM_OPEN && stream_input(upstream->stream).size == 0 &&
        stream_output_empty(upstream->stream))
        keep_idle(upstream);
    else
        destroy(upstream);
}

// The warm connection is replaced.
static void close_unused(const struct warm *warm)
{
    struct upstream *next;

    for (struct upstream *upstream = warm->pool->newest; upstream; upstream = next) {
        next = upstream->next;
        if (!upstream->owner && is_for(upstream, warm->host, warm->port))
            close_idle(upstream);
    }
}

static void on_warm(void *arg, struct upstream *upstream, const struct verdict *verdict)
{
    struct warm *warm = arg;

    warm->dialing = NULL;
    if (!upstream) {
        retry_warm(warm);
        return;
    }
    warm->made = loop_now(warm->pool->options.loop);
    close_unused(warm);
    keep_idle(upstream);
}

static void on_warm_timer(void *arg)
{
    struct warm *warm = arg;

    if (!warm->dialing)
        warm->dialing = pool_dial(warm->pool, warm->host, warm->port, NULL, on_warm, warm);
}

void pool_keep_warm(struct pool *pool, const char *host, uint16_t port)
{
    struct warm *warm = mem_alloc_zero(1, sizeof(*warm));

    warm->pool = pool;
    warm->next = pool->warms;
    pool->warms = warm;
    warm->host = mem_string(host);
    warm->port = port;
    warm->delay_ms = WARM_DELAY_MIN_MS;
    timer_init(&warm->timer, pool->options.loop, on_warm_timer, warm);
    timer_start(&warm->timer, 0);
}

struct pool *pool_new(const struct pool_options *options)
{
    struct pool *pool = mem_alloc_zero(1, sizeof(*pool));

    pool->options = *options;
    tls_client_ref(pool->options.tls);
    return pool;
}

static void free_warms(struct pool *pool)
{
    struct warm *warm;

    while ((warm = pool->warms)) {
        pool->warms = warm->next;
        timer_stop(&warm->timer);
        if (warm->dialing)
            pool_cancel(warm->dialing);
        mem_free(warm->host);
        mem_free(warm);
    }
}

void pool_free(struct pool *pool)
{
    free_warms(pool);
    while (pool->newest)
        close_idle(pool->newest);
    tls_client_unref(pool->options.tls);
    mem_free(pool);
}
