#include "cache.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "log.h"
#include "loop.h"
#include "mem.h"
#include "metrics.h"
#include "pace.h"
#include "text.h"

// Scopes that are kept: at about 6 KiB each, 24 MiB at the worst. A broker of a cluster has some hundreds.
#define ENTRIES_MAX 4096
// Requests that may wait: a broker's thousands of sidecars that start together.
#define WAITERS_MAX 16384
// An entry that was used within this time is made anew ahead of its end.
#define USED_LATELY_MS (5 * MINUTE_MS)
// An entry without a token that ends is let go when it was not used for this long.
#define KEEP_MS (10 * MINUTE_MS)
// Part of `refresh_before` over which refreshes are spread, so that tokens made together are not made anew together.
#define JITTER_PERCENT 20
// After a failure that passes: 1, 2, 4, … 60 s, a fifth up or down.
#define BACKOFF_FIRST_MS (1 * SECOND_MS)
#define BACKOFF_MAX_MS   (60 * SECOND_MS)
// After one that only somebody's act mends: often enough for who just did, 60 calls an hour of GitHub's 5,000.
#define PERMANENT_MS (60 * SECOND_MS)
// While somebody waits, a failure that passes is tried again twice, after 1/4 and 1/2 s.
#define QUICK_ATTEMPTS 3
#define QUICK_FIRST_MS 250
// A token that GitHub did not accept is replaced at most this often: no request may make us mint without end.
#define REJECTED_MS (10 * SECOND_MS)
// One whose holder says so, which may be a lie: besides the mint an hour that a scope needs, at most six.
static const struct pace_rate told_rate = {.interval_ms = 10 * MINUTE_MS, .burst = 3};

struct cache_request {
    LIST_ENTRY(cache_request) link; // of its entry, while it waits there
    struct cache *cache;
    struct cache_entry *entry; // NULL: settled, to be delivered
    struct deferred deferred;
    cache_done_fn *done;
    void *arg;
    struct lease *lease; // NULL: `verdict` says why
    struct verdict verdict;
};

// One scope of one source. It is empty (no lease, no failure), being minted (`mint`), fresh (`lease`), being refreshed
// (both), or failed until a time (`failure`); a fresh one whose refresh failed is both.
struct cache_entry {
    const char *key; // of the bytes at the end
    TAILQ_ENTRY(cache_entry) used; // last used first
    struct cache *cache;
    struct source *source;
    struct mint_scope scope;
    uint64_t id;
    struct lease *lease;
    int64_t refresh_left_ms; // made anew once the lease has less left
    struct mono used_at;
    void *mint;        // NULL: none under way
    unsigned attempts; // for those who wait now
    struct source_failure failure; // of the last mint; REASON_NONE: it succeeded
    unsigned failures;             // in a row
    struct mono retry_at;
    struct mono rejected_at;
    struct pace told; // mints for holders of a rejected token
    bool adopted; // another cache has the lease too, and shows its metric
    struct timer timer;
    LIST_HEAD(, cache_request) waiters;
    char text[];
};

struct cache {
    struct cache_options options;
    void *tree; // of struct cache_entry, tsearch(3)
    TAILQ_HEAD(cache_entries, cache_entry) entries;
    size_t entry_count, waiter_count;
};

// Names an entry over reloads: never used twice in a process.
static uint64_t last_id;

static struct mono now_of(const struct cache *cache)
{
    return loop_now(cache->options.loop);
}

static int64_t left_ms(const struct cache_entry *entry)
{
    return entry->lease ? lease_left_ms(entry->lease, loop_clock(entry->cache->options.loop)) : 0;
}

static bool usable(const struct cache_entry *entry)
{
    return entry->lease && left_ms(entry) >= entry->cache->options.minimum_life_ms;
}

static int64_t spread(int64_t ms, int64_t percent)
{
    int64_t width = ms * percent / 100;

    return width > 0 ? (int64_t)arc4random_uniform((uint32_t)width) : 0;
}

// The expiry of each token as a metric.

static void gauge(const struct cache_entry *entry, bool set)
{
    struct text label = {0};

    if (!entry->lease || entry->lease->expires_at.ms == WALL_NEVER.ms)
        return;
    mint_scope_label(&entry->scope, &label);
    const char *const *labels = METRIC_LABELS(entry->source->name, text_string(&label));
    if (set)
        metrics_set(entry->cache->options.metrics, METRIC_TOKEN_EXPIRATION, labels,
                    (double)entry->lease->expires_at.ms / SECOND_MS);
    else if (!entry->adopted)
        metrics_remove(entry->cache->options.metrics, METRIC_TOKEN_EXPIRATION, labels);
    text_free(&label);
}

static void set_lease(struct cache_entry *entry, struct lease *lease)
{
    gauge(entry, false);
    lease_unref(entry->lease);
    entry->lease = lease;
    gauge(entry, true);
}

// The table.

static int compare_keys(const void *a, const void *b)
{
    return strcmp(((const struct cache_entry *)a)->key, ((const struct cache_entry *)b)->key);
}

static void on_entry_timer(void *arg);

static struct cache_entry *entry_find(const struct cache *cache, const char *key)
{
    struct cache_entry wanted = {.key = key};
    void *found = tfind(&wanted, &cache->tree, compare_keys);

    return found ? *(struct cache_entry **)found : NULL;
}

static struct cache_entry *entry_make(struct cache *cache, const char *key, struct source *source,
                                      const struct mint_scope *scope)
{
    size_t size = strlen(key) + 1;
    struct cache_entry *entry = mem_alloc_zero(1, sizeof(*entry) + size);

    memcpy(entry->text, key, size);
    entry->key = entry->text;
    entry->cache = cache;
    entry->source = source;
    entry->id = ++last_id;
    entry->used_at = now_of(cache);
    entry->rejected_at.ms = INT64_MIN / 2;
    mint_scope_copy(&entry->scope, scope);
    timer_init(&entry->timer, cache->options.loop, on_entry_timer, entry);
    LIST_INIT(&entry->waiters);
    TAILQ_INSERT_HEAD(&cache->entries, entry, used);
    cache->entry_count++;
    if (!tsearch(entry, &cache->tree, compare_keys))
        abort(); // memory ran out
    return entry;
}

static void cancel_mint(struct cache_entry *entry)
{
    const struct cache_minter *minter = &entry->cache->options.minter;

    if (entry->mint)
        minter->cancel(minter->context, entry->mint);
    entry->mint = NULL;
}

static void entry_free(struct cache_entry *entry)
{
    struct cache *cache = entry->cache;

    cancel_mint(entry);
    set_lease(entry, NULL);
    timer_stop(&entry->timer);
    tdelete(entry, &cache->tree, compare_keys);
    TAILQ_REMOVE(&cache->entries, entry, used);
    cache->entry_count--;
    mint_scope_clear(&entry->scope);
    mem_free(entry);
}

// The entry used longest ago that nobody waits for goes; false: there is none.
static bool make_room(struct cache *cache)
{
    struct cache_entry *entry;

    if (cache->entry_count < ENTRIES_MAX)
        return true;
    TAILQ_FOREACH_REVERSE(entry, &cache->entries, cache_entries, used) {
        if (!entry->mint && LIST_EMPTY(&entry->waiters)) {
            entry_free(entry);
            return true;
        }
    }
    return false;
}

// Requests and their answers.

static void deliver(void *arg)
{
    struct cache_request *request = arg;

    request->done(request->arg, request->lease, request->lease ? NULL : &request->verdict);
    lease_unref(request->lease);
    mem_free(request);
}

static void settle_lease(struct cache_request *request, struct lease *lease)
{
    request->lease = lease_ref(lease);
    loop_defer(request->cache->options.loop, &request->deferred);
}

static void settle_failure(struct cache_request *request, const struct cache_entry *entry)
{
    int64_t wait_ms = entry->retry_at.ms - now_of(entry->cache).ms;

    request->verdict = entry->failure.verdict;
    if (request->verdict.reason != REASON_RENAMED)
        request->verdict.retry_after_s = wait_ms > SECOND_MS ? (unsigned)((wait_ms + SECOND_MS - 1) / SECOND_MS) : 1;
    loop_defer(request->cache->options.loop, &request->deferred);
}

static void settle_waiters(struct cache_entry *entry)
{
    struct cache_request *request;

    while ((request = LIST_FIRST(&entry->waiters))) {
        LIST_REMOVE(request, link);
        entry->cache->waiter_count--;
        request->entry = NULL;
        if (entry->lease && usable(entry))
            settle_lease(request, entry->lease);
        else
            settle_failure(request, entry);
    }
}

// An entry's life.

static void on_minted(void *arg, const struct source_token *token, const struct source_failure *failure);

static void start_mint(struct cache_entry *entry)
{
    const struct cache_minter *minter = &entry->cache->options.minter;

    timer_stop(&entry->timer);
    entry->attempts++;
    entry->mint = minter->start(minter->context, entry->source, &entry->scope, on_minted, entry);
}

// When to look at the entry again, if nobody asks before.
static void plan(struct cache_entry *entry)
{
    struct mono now = now_of(entry->cache);
    int64_t left = left_ms(entry), delay_ms;

    if (!LIST_EMPTY(&entry->waiters))
        delay_ms = entry->retry_at.ms - now.ms;
    else if (!entry->lease || left == INT64_MAX)
        delay_ms = entry->used_at.ms + KEEP_MS - now.ms;
    else if (left > entry->refresh_left_ms)
        delay_ms = left - entry->refresh_left_ms;
    else if (entry->retry_at.ms > now.ms && now.ms - entry->used_at.ms < USED_LATELY_MS)
        delay_ms = entry->retry_at.ms - now.ms;
    else
        delay_ms = left - entry->cache->options.minimum_life_ms;
    timer_start(&entry->timer, delay_ms > 0 ? delay_ms + 1 : 1);
}

static void on_entry_timer(void *arg)
{
    struct cache_entry *entry = arg;
    struct mono now = now_of(entry->cache);
    int64_t unused_ms = now.ms - entry->used_at.ms;
    bool ends = entry->lease && entry->lease->ends.ms != INT64_MAX;

    if (entry->mint)
        return; // its end plans
    if (!LIST_EMPTY(&entry->waiters)) {
        start_mint(entry);
    } else if (ends && left_ms(entry) <= entry->refresh_left_ms && unused_ms < USED_LATELY_MS &&
               now.ms >= entry->retry_at.ms) {
        entry->attempts = 0;
        start_mint(entry);
    } else if (ends ? !usable(entry) && unused_ms >= USED_LATELY_MS : unused_ms >= KEEP_MS) {
        entry_free(entry);
    } else {
        plan(entry);
    }
}

static int64_t backoff_ms(const struct cache_entry *entry)
{
    const struct source_failure *failure = &entry->failure;
    int64_t wait_ms = BACKOFF_FIRST_MS << (entry->failures < 6 ? entry->failures - 1 : 6);

    if (failure->retry_ms)
        return failure->retry_ms + spread(SECOND_MS, 100);
    if (failure->permanent)
        return PERMANENT_MS;
    wait_ms = wait_ms < BACKOFF_MAX_MS ? wait_ms : BACKOFF_MAX_MS;
    return wait_ms - wait_ms / 5 + spread(wait_ms, 40);
}

static void log_failure(const struct cache_entry *entry, enum reason before)
{
    struct text label = {0};

    if (entry->failure.verdict.reason == before)
        return;
    mint_scope_label(&entry->scope, &label);
    log_warn("token", "no token from `%s` for %s: %s", entry->source->name, text_string(&label),
             entry->failure.verdict.sentence);
    text_free(&label);
}

static void take_failure(struct cache_entry *entry, const struct source_failure *failure)
{
    enum reason before = entry->failure.verdict.reason;
    bool quick = !LIST_EMPTY(&entry->waiters) && !failure->permanent && !failure->slow && failure->retry_ms == 0 &&
                 entry->attempts < QUICK_ATTEMPTS;

    entry->failure = *failure;
    if (quick) {
        entry->retry_at.ms = now_of(entry->cache).ms + (QUICK_FIRST_MS << (entry->attempts - 1));
        return;
    }
    entry->failures++;
    entry->retry_at.ms = now_of(entry->cache).ms + backoff_ms(entry);
    log_failure(entry, before);
    settle_waiters(entry);
}

static void take_token(struct cache_entry *entry, const struct source_token *token)
{
    const struct cache_options *options = &entry->cache->options;
    int64_t before_ms = options->refresh_before_ms;

    // A token that comes with little left (a broker's, in the middle of its life) is not made anew at once.
    if (token->life_ms / 2 < before_ms)
        before_ms = token->life_ms / 2;
    set_lease(entry, lease_new(entry->source, entry->id, token));
    entry->refresh_left_ms = before_ms - spread(before_ms, JITTER_PERCENT);
    *entry->scope.rejected = '\0';
    entry->failure = (struct source_failure){0};
    entry->failures = 0;
    entry->retry_at.ms = 0;
    settle_waiters(entry);
}

static void on_minted(void *arg, const struct source_token *token, const struct source_failure *failure)
{
    struct cache_entry *entry = arg;
    struct source_failure short_lived;

    entry->mint = NULL;
    if (token && token->life_ms < entry->cache->options.minimum_life_ms) {
        source_failure_set(&short_lived, false, REASON_TOKEN_SOURCE,
                           "the token that came ends in %lld s, before `token.minimum_life`",
                           (long long)(token->life_ms / SECOND_MS));
        take_failure(entry, &short_lived);
    } else if (token) {
        take_token(entry, token);
    } else {
        take_failure(entry, failure);
    }
    plan(entry);
}

static void use(struct cache_entry *entry)
{
    struct cache *cache = entry->cache;

    entry->used_at = now_of(cache);
    TAILQ_REMOVE(&cache->entries, entry, used);
    TAILQ_INSERT_HEAD(&cache->entries, entry, used);
}

// Whether who asks waits for another token than the entry's: the one he names as rejected, and a mint is under way or may
// be started. The old one stays, for all others and should the mint fail: nobody's word takes it from them.
static bool waits_for_another(struct cache_entry *entry, const struct mint_scope *asked, bool may_mint)
{
    struct cache *cache = entry->cache;

    if (strcmp(entry->lease->fingerprint, asked->rejected) != 0 || cache->waiter_count >= WAITERS_MAX)
        return false;
    if (entry->mint || !LIST_EMPTY(&entry->waiters))
        return true;
    if (!may_mint || !pace_take(&entry->told, &told_rate, now_of(cache)))
        return false;
    memcpy(entry->scope.rejected, asked->rejected, sizeof(asked->rejected));
    memcpy(entry->scope.tenant, asked->tenant, sizeof(asked->tenant)); // it is his turn that is waited for
    return true;
}

static void ask_entry(struct cache_request *request, struct cache_entry *entry, const struct mint_scope *asked)
{
    struct cache *cache = entry->cache;
    bool may_mint = !entry->mint && now_of(cache).ms >= entry->retry_at.ms;

    use(entry);
    if (usable(entry) && !waits_for_another(entry, asked, may_mint)) {
        settle_lease(request, entry->lease);
        if (may_mint && left_ms(entry) <= entry->refresh_left_ms) {
            entry->attempts = 0;
            start_mint(entry);
        }
        return;
    }
    if (!entry->mint && !may_mint && LIST_EMPTY(&entry->waiters)) {
        settle_failure(request, entry);
        return;
    }
    request->entry = entry;
    if (LIST_EMPTY(&entry->waiters))
        entry->attempts = entry->mint != NULL;
    LIST_INSERT_HEAD(&entry->waiters, request, link);
    cache->waiter_count++;
    if (may_mint)
        start_mint(entry);
}

static void make_key(const struct source *source, const struct mint_scope *scope, struct text *text)
{
    text_append(text, source->identity);
    text_append_char(text, '\n');
    text_append(text, source->version);
    text_append_char(text, '\n');
    mint_scope_key(scope, text);
}

struct lease *cache_look(struct cache *cache, const struct source *source, const struct mint_scope *scope)
{
    struct text key = {0};
    struct cache_entry *entry;

    make_key(source, scope, &key);
    entry = entry_find(cache, text_string(&key));
    text_free(&key);
    if (!entry || !usable(entry) || left_ms(entry) <= entry->refresh_left_ms)
        return NULL;
    use(entry);
    return entry->lease;
}

struct cache_request *cache_ask(struct cache *cache, struct source *source, const struct mint_scope *scope,
                                cache_done_fn *done, void *arg)
{
    struct cache_request *request = mem_alloc_zero(1, sizeof(*request));
    struct text key = {0};

    request->cache = cache;
    request->done = done;
    request->arg = arg;
    deferred_init(&request->deferred, deliver, request);
    make_key(source, scope, &key);
    struct cache_entry *entry = entry_find(cache, text_string(&key));
    if (!entry && cache->waiter_count < WAITERS_MAX && make_room(cache))
        entry = entry_make(cache, text_string(&key), source, scope);
    text_free(&key);
    if (entry && (cache->waiter_count < WAITERS_MAX || usable(entry))) {
        ask_entry(request, entry, scope);
    } else {
        verdict_set(&request->verdict, REASON_TOKEN_TIMEOUT, "too many requests wait for tokens");
        request->verdict.retry_after_s = 1;
        loop_defer(cache->options.loop, &request->deferred);
    }
    return request;
}

void cache_cancel(struct cache_request *request)
{
    if (request->entry) {
        LIST_REMOVE(request, link);
        request->cache->waiter_count--;
    }
    deferred_cancel(&request->deferred);
    lease_unref(request->lease);
    mem_free(request);
}

void cache_rejected(struct cache *cache, uint64_t id, const char *fingerprint)
{
    struct mono now = now_of(cache);
    struct cache_entry *entry;

    TAILQ_FOREACH(entry, &cache->entries, used) {
        if (entry->id == id)
            break;
    }
    if (!entry || !entry->lease || strcmp(entry->lease->fingerprint, fingerprint) != 0 ||
        now.ms - entry->rejected_at.ms < REJECTED_MS)
        return;
    entry->rejected_at = now;
    memcpy(entry->scope.rejected, entry->lease->fingerprint, sizeof(entry->scope.rejected));
    set_lease(entry, NULL);
    if (!entry->mint)
        plan(entry);
}

struct cache *cache_new(const struct cache_options *options)
{
    struct cache *cache = mem_alloc_zero(1, sizeof(*cache));

    cache->options = *options;
    TAILQ_INIT(&cache->entries);
    return cache;
}

void cache_free(struct cache *cache)
{
    struct cache_entry *entry;

    // A mint may wait for another entry's token: all end before the first entry goes.
    TAILQ_FOREACH(entry, &cache->entries, used)
        cancel_mint(entry);
    while ((entry = TAILQ_FIRST(&cache->entries)))
        entry_free(entry);
    mem_free(cache);
}

void cache_adopt(struct cache *cache, struct cache *old, cache_source_fn *find, void *arg)
{
    struct cache_entry *from;

    TAILQ_FOREACH_REVERSE(from, &old->entries, cache_entries, used) {
        struct source *source = from->lease ? find(arg, from->source) : NULL;

        if (!source || entry_find(cache, from->key) || !make_room(cache))
            continue;
        struct cache_entry *entry = entry_make(cache, from->key, source, &from->scope);
        entry->scope.host = source->host;
        entry->id = from->id;
        entry->used_at = from->used_at;
        entry->refresh_left_ms = from->refresh_left_ms;
        entry->told = from->told;
        set_lease(entry, lease_ref(from->lease));
        from->adopted = true;
        plan(entry);
    }
}

void cache_summarize(const struct cache *cache, const struct source *source, struct cache_summary *ret_summary)
{
    struct cache_summary summary = {.first_end = WALL_NEVER};
    const struct cache_entry *entry;

    TAILQ_FOREACH(entry, &cache->entries, used) {
        if (entry->source != source)
            continue;
        summary.tokens += usable(entry);
        if (usable(entry) && entry->lease->expires_at.ms < summary.first_end.ms)
            summary.first_end = entry->lease->expires_at;
        if (entry->failure.verdict.reason != REASON_NONE) {
            summary.failing++;
            summary.failure = entry->failure.verdict;
        }
    }
    *ret_summary = summary;
}
