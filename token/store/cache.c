#include "cache.h"

#include <string.h>

#include "cache_entry.h"
#include "flight.h"
#include "loop.h"
#include "lru.h"
#include "mem.h"
#include "pace.h"
#include "text.h"

// Scopes that are kept: at about 6 KiB each, 24 MiB at the worst. A broker of a cluster has some hundreds.
#define ENTRIES_MAX 4096
// Requests that may wait: a broker's thousands of sidecars that start together.
#define WAITERS_MAX 16384
// A token that GitHub did not accept is replaced at most this often: no request may make us mint without end.
#define REJECTED_MS (10 * SECOND_MS)
// One whose holder says so, which may be a lie: besides the mint an hour that a scope needs, at most six.
static const struct pace_rate told_rate = {.interval_ms = 10 * MINUTE_MS, .burst = 3};

struct cache_request {
    struct flight_waiter waiter; // first; of its entry
    struct cache *cache;
    cache_done_fn *done;
    void *arg;
    struct token *token; // NULL: `verdict` says why
    struct verdict verdict;
};

struct cache {
    struct cache_options options;
    struct lru entries;  // of struct cache_entry, by source and scope
    size_t waiter_count; // of all entries
};

static struct mono cache_now_of(const struct cache *cache)
{
    return loop_now(cache->options.loop);
}

// The table.

static bool entry_is_idle(const struct lru_entry *in_table)
{
    const struct cache_entry *entry = (const struct cache_entry *)in_table;

    return !entry->mint && flight_is_empty(&entry->flight);
}

static void entry_free(struct lru_entry *in_table)
{
    cache_entry_free((struct cache_entry *)in_table);
}

static struct cache_entry *entry_find(const struct cache *cache, struct bytes key)
{
    return (struct cache_entry *)lru_find(&cache->entries, key);
}

static void on_cache_unused(struct cache_entry *entry)
{
    lru_drop(&entry->cache->entries, &entry->in_table);
}

// Requests and their answers.

static void request_deliver(void *arg)
{
    struct cache_request *request = arg;

    request->done(request->arg, request->token, request->token ? NULL : &request->verdict);
    token_unref(request->token);
    mem_free(request);
}

static void settle_token(struct cache_request *request, struct token *token)
{
    request->token = token_ref(token);
    flight_settle(request->cache->options.loop, &request->waiter);
}

static void settle_failure(struct cache_request *request, const struct cache_entry *entry)
{
    int64_t wait_ms = entry->retry_at.ms - cache_now_of(entry->cache).ms;

    request->verdict = entry->failure.verdict;
    // What somebody must mend does not pass by waiting: a Retry-After makes npm wait for a minute, and PyGithub for ever.
    if (!entry->failure.permanent)
        request->verdict.retry_after_s = wait_ms > SECOND_MS ? (unsigned)((wait_ms + SECOND_MS - 1) / SECOND_MS) : 1;
    flight_settle(request->cache->options.loop, &request->waiter);
}

static void cache_settle_waiters(struct cache_entry *entry)
{
    struct flight_waiter *waiter;

    while ((waiter = flight_take(&entry->flight))) {
        struct cache_request *request = (struct cache_request *)waiter;

        entry->cache->waiter_count--;
        if (entry->token && cache_entry_usable(entry))
            settle_token(request, entry->token);
        else
            settle_failure(request, entry);
    }
}

// What is asked.

static struct cache_entry *entry_make(struct cache *cache, struct bytes key, struct source *source,
                                      const struct mint_scope *scope)
{
    static const struct cache_entry_owner owner = {.settled = cache_settle_waiters, .unused = on_cache_unused};
    struct cache_entry *entry = cache_entry_new(&cache->options, &owner, source, scope);

    entry->cache = cache;
    lru_add(&cache->entries, &entry->in_table, key);
    return entry;
}

static void entry_use(struct cache_entry *entry)
{
    entry->used_at = cache_now_of(entry->cache);
    lru_use(&entry->cache->entries, &entry->in_table);
}

// Whether who asks waits for another token than the entry's: the one he names as rejected, and a mint is under way or may
// be started. The old one stays, for all others and should the mint fail: nobody's word takes it from them.
static bool waits_for_another(struct cache_entry *entry, const struct mint_scope *asked, bool may_mint)
{
    struct cache *cache = entry->cache;

    if (strcmp(entry->token->fingerprint, asked->rejected) != 0 || cache->waiter_count >= WAITERS_MAX)
        return false;
    if (entry->mint || !flight_is_empty(&entry->flight))
        return true;
    if (!may_mint || !pace_take(&entry->told, &told_rate, cache_now_of(cache)))
        return false;
    memcpy(entry->scope.rejected, asked->rejected, sizeof(asked->rejected));
    memcpy(entry->scope.tenant, asked->tenant, sizeof(asked->tenant)); // it is his turn that is waited for
    return true;
}

static void ask_entry(struct cache_request *request, struct cache_entry *entry, const struct mint_scope *asked)
{
    struct cache *cache = entry->cache;
    bool may_mint = !entry->mint && cache_now_of(cache).ms >= entry->retry_at.ms;

    entry_use(entry);
    if (cache_entry_usable(entry) && !waits_for_another(entry, asked, may_mint)) {
        settle_token(request, entry->token);
        if (may_mint && cache_entry_left_ms(entry) <= entry->refresh_left_ms) {
            entry->attempts = 0;
            cache_entry_mint(entry);
        }
        return;
    }
    if (!entry->mint && !may_mint && flight_is_empty(&entry->flight)) {
        settle_failure(request, entry);
        return;
    }
    if (flight_is_empty(&entry->flight))
        entry->attempts = entry->mint != NULL;
    flight_join(&entry->flight, &request->waiter);
    cache->waiter_count++;
    if (may_mint)
        cache_entry_mint(entry);
}

static void make_key(const struct source *source, const struct mint_scope *scope, struct text *text)
{
    text_append(text, source->identity);
    text_append_char(text, '\n');
    text_append(text, source->version);
    text_append_char(text, '\n');
    mint_scope_key(scope, text);
}

// Takes a line that a key begins with off it.
static bool skip_line(struct bytes *key, struct bytes line)
{
    if (!bytes_start_with(*key, line) || key->size == line.size || key->data[line.size] != '\n')
        return false;
    *key = bytes_skip(*key, line.size + 1);
    return true;
}

// Whether the key of what is looked for is the entry's, compared without making it.
static bool has_key_of(const struct cache_entry *entry, const struct source *source, const struct mint_scope *scope)
{
    struct bytes key = entry->in_table.key;

    return skip_line(&key, bytes_of_string(source->identity)) && skip_line(&key, bytes_of_string(source->version)) &&
           mint_scope_equal(&entry->scope, scope);
}

// The entry that was used last is mostly the one that is wanted again.
static struct cache_entry *entry_look(const struct cache *cache, const struct source *source,
                                      const struct mint_scope *scope)
{
    struct cache_entry *entry = (struct cache_entry *)lru_first(&cache->entries);
    struct text key = {0};

    if (entry && has_key_of(entry, source, scope))
        return entry;
    make_key(source, scope, &key);
    entry = entry_find(cache, text_bytes(&key));
    text_free(&key);
    return entry;
}

struct token *cache_look(struct cache *cache, const struct source *source, const struct mint_scope *scope)
{
    struct cache_entry *entry = entry_look(cache, source, scope);

    if (!entry || !cache_entry_usable(entry) || cache_entry_left_ms(entry) <= entry->refresh_left_ms)
        return NULL;
    entry_use(entry);
    return entry->token;
}

struct cache_request *cache_ask(struct cache *cache, struct source *source, const struct mint_scope *scope,
                                cache_done_fn *done, void *arg)
{
    struct cache_request *request = mem_alloc_zero(1, sizeof(*request));
    struct text key = {0};

    request->cache = cache;
    request->done = done;
    request->arg = arg;
    flight_waiter_init(&request->waiter, request_deliver, request);
    make_key(source, scope, &key);
    struct cache_entry *entry = entry_find(cache, text_bytes(&key));
    if (!entry && cache->waiter_count < WAITERS_MAX && lru_make_room(&cache->entries))
        entry = entry_make(cache, text_bytes(&key), source, scope);
    text_free(&key);
    if (entry && (cache->waiter_count < WAITERS_MAX || cache_entry_usable(entry))) {
        ask_entry(request, entry, scope);
    } else {
        verdict_set(&request->verdict, REASON_TOKEN_TIMEOUT, "too many requests wait for tokens");
        request->verdict.retry_after_s = 1;
        flight_settle(cache->options.loop, &request->waiter);
    }
    return request;
}

void cache_cancel(struct cache_request *request)
{
    if (request->waiter.flight)
        request->cache->waiter_count--;
    flight_leave(&request->waiter);
    token_unref(request->token);
    mem_free(request);
}

static void reject(struct cache_entry *entry, struct mono now)
{
    entry->rejected_at = now;
    memcpy(entry->scope.rejected, entry->token->fingerprint, sizeof(entry->scope.rejected));
    cache_entry_set_token(entry, NULL);
    if (!entry->mint)
        cache_entry_plan(entry);
}

void cache_rejected(struct cache *cache, const struct token *token)
{
    struct mono now = cache_now_of(cache);
    struct lru_entry *in_table;

    LRU_FOREACH(in_table, &cache->entries)
    {
        struct cache_entry *entry = (struct cache_entry *)in_table;

        if (entry->token == token) {
            if (now.ms - entry->rejected_at.ms >= REJECTED_MS)
                reject(entry, now);
            return;
        }
    }
}

struct cache *cache_new(const struct cache_options *options)
{
    struct cache *cache = mem_alloc_zero(1, sizeof(*cache));

    cache->options = *options;
    lru_init(&cache->entries, ENTRIES_MAX, entry_is_idle, entry_free);
    return cache;
}

void cache_stop(struct cache *cache)
{
    struct lru_entry *in_table;

    LRU_FOREACH(in_table, &cache->entries)
    cache_entry_cancel((struct cache_entry *)in_table);
}

void cache_free(struct cache *cache)
{
    cache_stop(cache); // a mint may wait for another entry's token: all end before the first entry goes
    lru_clear(&cache->entries);
    mem_free(cache);
}

void cache_adopt(struct cache *cache, struct cache *old, cache_source_fn *find, void *arg)
{
    struct lru_entry *in_table;

    LRU_FOREACH_OLDEST_FIRST(in_table, &old->entries)
    {
        struct cache_entry *from = (struct cache_entry *)in_table;
        struct source *source = from->token ? find(arg, from->source) : NULL;

        if (!source || entry_find(cache, in_table->key) || !lru_make_room(&cache->entries))
            continue;
        struct cache_entry *entry = entry_make(cache, in_table->key, source, &from->scope);
        entry->scope.host = source->host;
        entry->used_at = from->used_at;
        entry->refresh_left_ms = from->refresh_left_ms;
        entry->told = from->told;
        cache_entry_set_token(entry, token_ref(from->token));
        from->adopted = true;
        cache_entry_plan(entry);
    }
}

// Whether another scope of the source may well be served.
static bool is_of_scope(enum reason reason)
{
    switch (reason) {
    case REASON_NOT_INSTALLED:
    case REASON_SUSPENDED:
    case REASON_NOT_COVERED:
    case REASON_NOT_GRANTED:
    case REASON_IP_ALLOW_LIST:
    case REASON_BROKER_DENIED:
    case REASON_SCOPE:
    case REASON_RENAMED:
    case REASON_OWNER_UNKNOWN: // the request's fault, not the credential's
        return true;
    default:
        return false;
    }
}

static void count_failure(const struct cache_entry *entry, struct cache_summary *summary)
{
    const struct verdict *failure = &entry->failure.verdict;

    if (failure->reason == REASON_NONE)
        return;
    summary->failing++;
    if (!is_of_scope(failure->reason)) {
        summary->failure = *failure;
    } else if (!summary->failed) {
        summary->failed = &entry->scope;
        summary->failed_sentence = failure->sentence;
    }
}

void cache_summarize(const struct cache *cache, const struct source *source, struct cache_summary *ret_summary)
{
    struct cache_summary summary = {.first_end = WALL_NEVER};
    const struct lru_entry *in_table;

    LRU_FOREACH(in_table, &cache->entries)
    {
        const struct cache_entry *entry = (const struct cache_entry *)in_table;

        if (entry->source != source)
            continue;
        summary.tokens += cache_entry_usable(entry);
        if (cache_entry_usable(entry) && entry->token->expires_at.ms < summary.first_end.ms)
            summary.first_end = entry->token->expires_at;
        count_failure(entry, &summary);
    }
    *ret_summary = summary;
}
