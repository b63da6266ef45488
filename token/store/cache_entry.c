#include "cache_entry.h"

#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "mem.h"
#include "metrics.h"
#include "text.h"

// An entry that was used within this time is made anew ahead of its end.
#define USED_LATELY_MS (5 * MINUTE_MS)
// An entry without a token that ends is let go when it was not used for this long.
#define KEEP_MS (10 * MINUTE_MS)
// Part of `refresh_before` over which refreshes are spread, so that tokens made together are not made anew together.
#define JITTER_PERCENT 20
// After a failure that passes: 1, 2, 4, … 60 s, a fifth up or down.
#define BACKOFF_FIRST_MS (1 * SECOND_MS)
#define BACKOFF_MAX_MS   (60 * SECOND_MS)
// After one that only somebody's act mends (an App that is installed, a grant that is given), while somebody asks: who has
// just done it sees it at once. `mint_gate` bounds what many such scopes cost GitHub together.
#define PERMANENT_MS (5 * SECOND_MS)
// While somebody waits, a failure that passes is tried again twice, after 1/4 and 1/2 s.
#define QUICK_ATTEMPTS 3
#define QUICK_FIRST_MS 250

static struct mono cache_entry_now_of(const struct cache_entry *entry)
{
    return loop_now(entry->options->loop);
}

int64_t cache_entry_left_ms(const struct cache_entry *entry)
{
    return entry->token ? token_left_ms(entry->token, loop_clock(entry->options->loop)) : 0;
}

bool cache_entry_usable(const struct cache_entry *entry)
{
    return entry->token && cache_entry_left_ms(entry) >= entry->options->minimum_life_ms;
}

static int64_t spread(int64_t ms, int64_t percent)
{
    int64_t width = ms * percent / 100;

    return width > 0 ? (int64_t)arc4random_uniform((uint32_t)width) : 0;
}

// The expiry of each token as a metric.

static void gauge(const struct cache_entry *entry, bool set)
{
    struct metrics *metrics = entry->options->metrics;
    struct text label = {0};

    if (!entry->token || entry->token->expires_at.ms == WALL_NEVER.ms)
        return;
    mint_scope_label(&entry->scope, &label);
    const char *const *labels = METRIC_LABELS(source_id_name(entry->source->id), text_string(&label));
    double end = (double)entry->token->expires_at.ms / SECOND_MS;
    // Where it shows another end, that is of the same scope's token by a newer secret, and stays.
    if (set)
        metrics_set(metrics, METRIC_TOKEN_EXPIRATION, labels, end);
    else if (!entry->adopted && metrics_value(metrics, METRIC_TOKEN_EXPIRATION, labels) == end)
        metrics_remove(metrics, METRIC_TOKEN_EXPIRATION, labels);
    text_free(&label);
}

void cache_entry_set_token(struct cache_entry *entry, struct token *token)
{
    gauge(entry, false);
    token_unref(entry->token);
    entry->token = token;
    gauge(entry, true);
}

static void on_cache_entry_timer(void *arg);

struct cache_entry *cache_entry_new(const struct cache_options *options, const struct cache_entry_owner *owner,
                                    struct source *source, const struct mint_scope *scope)
{
    struct cache_entry *entry = mem_alloc_zero(1, sizeof(*entry));

    entry->options = options;
    entry->owner = owner;
    entry->source = source;
    entry->used_at = cache_entry_now_of(entry);
    entry->rejected_at.ms = INT64_MIN / 2;
    mint_scope_copy(&entry->scope, scope);
    timer_init(&entry->timer, options->loop, on_cache_entry_timer, entry);
    flight_init(&entry->flight);
    return entry;
}

void cache_entry_cancel(struct cache_entry *entry)
{
    const struct cache_minter *minter = &entry->options->minter;

    if (entry->mint)
        minter->cancel(minter->context, entry->mint);
    entry->mint = NULL;
}

void cache_entry_free(struct cache_entry *entry)
{
    cache_entry_cancel(entry);
    cache_entry_set_token(entry, NULL);
    timer_stop(&entry->timer);
    mint_scope_clear(&entry->scope);
    mem_free(entry);
}

static void on_cache_entry_minted(void *arg, struct token *token, const struct source_failure *failure);

void cache_entry_mint(struct cache_entry *entry)
{
    const struct cache_minter *minter = &entry->options->minter;

    timer_stop(&entry->timer);
    entry->attempts++;
    entry->mint = minter->start(minter->context, entry->source, &entry->scope, on_cache_entry_minted, entry);
}

void cache_entry_plan(struct cache_entry *entry)
{
    struct mono now = cache_entry_now_of(entry);
    int64_t left = cache_entry_left_ms(entry), delay_ms;

    if (!flight_is_empty(&entry->flight))
        delay_ms = entry->retry_at.ms - now.ms;
    else if (!entry->token || left == INT64_MAX)
        delay_ms = entry->used_at.ms + KEEP_MS - now.ms;
    else if (left > entry->refresh_left_ms)
        delay_ms = left - entry->refresh_left_ms;
    else if (entry->retry_at.ms > now.ms && now.ms - entry->used_at.ms < USED_LATELY_MS)
        delay_ms = entry->retry_at.ms - now.ms;
    else
        delay_ms = left - entry->options->minimum_life_ms;
    timer_start(&entry->timer, delay_ms > 0 ? delay_ms + 1 : 1);
}

static void on_cache_entry_timer(void *arg)
{
    struct cache_entry *entry = arg;
    struct mono now = cache_entry_now_of(entry);
    int64_t unused_ms = now.ms - entry->used_at.ms;
    bool ends = entry->token && entry->token->ends.ms != INT64_MAX;

    if (entry->mint)
        return; // its end plans
    if (!flight_is_empty(&entry->flight)) {
        cache_entry_mint(entry);
    } else if (ends && cache_entry_left_ms(entry) <= entry->refresh_left_ms && unused_ms < USED_LATELY_MS &&
               now.ms >= entry->retry_at.ms) {
        entry->attempts = 0;
        cache_entry_mint(entry);
    } else if (ends ? !cache_entry_usable(entry) && unused_ms >= USED_LATELY_MS : unused_ms >= KEEP_MS) {
        entry->owner->unused(entry);
    } else {
        cache_entry_plan(entry);
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

// Once for each reason in a row.
static void log_failure(struct cache_entry *entry)
{
    struct text label = {0};

    if (entry->source->quiet || entry->failure.verdict.reason == entry->logged)
        return;
    entry->logged = entry->failure.verdict.reason;
    mint_scope_label(&entry->scope, &label);
    log_warn("token", "no token from `%s` for %s: %s", source_id_name(entry->source->id), text_string(&label),
             entry->failure.verdict.sentence);
    text_free(&label);
}

static void take_failure(struct cache_entry *entry, const struct source_failure *failure)
{
    bool quick = !flight_is_empty(&entry->flight) && !failure->permanent && !failure->slow && failure->retry_ms == 0 &&
                 entry->attempts < QUICK_ATTEMPTS;

    entry->failure = *failure;
    if (quick) {
        entry->retry_at.ms = cache_entry_now_of(entry).ms + (QUICK_FIRST_MS << (entry->attempts - 1));
        return;
    }
    entry->failures++;
    entry->retry_at.ms = cache_entry_now_of(entry).ms + backoff_ms(entry);
    log_failure(entry);
    entry->owner->settled(entry);
}

static void cache_entry_take_token(struct cache_entry *entry, struct token *token)
{
    const struct cache_options *options = entry->options;
    int64_t before_ms = options->refresh_before_ms, left_ms = token_left_ms(token, loop_clock(options->loop));

    // A token that comes with little left (a broker's, in the middle of its life) is not made anew at once.
    if (left_ms / 2 < before_ms)
        before_ms = left_ms / 2;
    cache_entry_set_token(entry, token_ref(token));
    entry->refresh_left_ms = before_ms - spread(before_ms, JITTER_PERCENT);
    *entry->scope.rejected = '\0';
    entry->failure = (struct source_failure){0};
    entry->failures = 0;
    entry->logged = REASON_NONE;
    entry->retry_at.ms = 0;
    entry->owner->settled(entry);
}

static void on_cache_entry_minted(void *arg, struct token *token, const struct source_failure *failure)
{
    struct cache_entry *entry = arg;
    int64_t left_ms = token ? token_left_ms(token, loop_clock(entry->options->loop)) : 0;
    struct source_failure short_lived;

    entry->mint = NULL;
    if (token && left_ms < entry->options->minimum_life_ms) {
        source_failure_set(&short_lived, false, REASON_TOKEN_SOURCE,
                           "the token that came ends in %lld s, before `token.minimum_life`",
                           (long long)(left_ms / SECOND_MS));
        take_failure(entry, &short_lived);
    } else if (token) {
        cache_entry_take_token(entry, token);
    } else {
        take_failure(entry, failure);
    }
    cache_entry_plan(entry);
}
