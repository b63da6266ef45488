#include "cache.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "cache_entry.h"
#include "loop.h"
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
    LIST_ENTRY(cache_request) link; // of its entry, while it waits there
    struct cache *cache;
    struct cache_entry *entry; // NULL: settled, to be delivered
    struct deferred deferred;
    cache_done_fn *done;
    void *arg;
    struct token *token; // NULL: `verdict` says why
    struct verdict verdict;
};

struct cache {
    struct cache_options options;
    void *tree; // of struct cache_entry, tsearch(3)
    TAILQ_HEAD(cache_entries, cache_entry) entries;
    size_t entry_count, waiter_count;
};

static struct mono now_of(const struct cache *cache)
{
    return loop_now(cache->options.loop);
}

// The table.

static int compare_keys(const void *a, const void *b)
{
    return strcmp(((const struct cache_entry *)a)->key, ((const struct cache_entry *)b)->key);
}

static struct cache_entry *entry_find(const struct cache *cache, const char *key)
{
    struct cache_entry wanted = {.key = key};
    void *found = tfind(&wanted, &cache->tree, compare_keys);

    return found ? *(struct cache_entry **)found : NULL;
}

static void entry_free(struct cache_entry *entry)
{
    struct cache *cache = entry->cache;

    tdelete(entry, &cache->tree, compare_keys);
    TAILQ_REMOVE(&cache->entries, entry, used);
    cache->entry_count--;
    cache_entry_free(entry);
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

    request->done(request->arg, request->token, request->token ? NULL : &request->verdict);
    token_unref(request->token);
    mem_free(request);
}

static void settle_token(struct cache_request *request, struct token *token)
{
    request->token = token_ref(token);
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
        if (entry->token && cache_entry_usable(entry))
            settle_token(request, entry->token);
        else
            settle_failure(request, entry);
    }
}

// What is asked.

static struct cache_entry *entry_make(struct cache *cache, const char *key, struct source *source,
                                      const struct mint_scope *scope)
{
    static const struct cache_entry_owner owner = {.settled = settle_waiters, .unused = entry_free};
    struct cache_entry *entry = cache_entry_new(&cache->options, &owner, key, source, scope);

    entry->cache = cache;
    TAILQ_INSERT_HEAD(&cache->entries, entry, used);
    cache->entry_count++;
    if (!tsearch(entry, &cache->tree, compare_keys))
        abort(); // memory ran out
    return entry;
}

static void use(struct cache_entry *entry)
{
    struct cache *cache = entry->cache;

    entry->used_at = now_of(cache);
    if (entry == TAILQ_FIRST(&cache->entries))
        return;
    TAILQ_REMOVE(&cache->entries, entry, used);
    TAILQ_INSERT_HEAD(&cache->entries, entry, used);
}

// Whether who asks waits for another token than the entry's: the one he names as rejected, and a mint is under way or may
// be started. The old one stays, for all others and should the mint fail: nobody's word takes it from them.
static bool waits_for_another(struct cache_entry *entry, const struct mint_scope *asked, bool may_mint)
{
    struct cache *cache = entry->cache;

    if (strcmp(entry->token->fingerprint, asked->rejected) != 0 || cache->waiter_count >= WAITERS_MAX)
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
    if (cache_entry_usable(entry) && !waits_for_another(entry, asked, may_mint)) {
        settle_token(request, entry->token);
        if (may_mint && cache_entry_left_ms(entry) <= entry->refresh_left_ms) {
            entry->attempts = 0;
            cache_entry_mint(entry);
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

// Whether the key of what is looked for is the entry's, told without making it.
static bool has_key_of(const struct cache_entry *entry, const struct source *source, const struct mint_scope *scope)
{
    struct bytes key = bytes_of_string(entry->key);

    return skip_line(&key, bytes_of_string(source->identity)) && skip_line(&key, bytes_of_string(source->version)) &&
           mint_scope_equal(&entry->scope, scope);
}

// The entry that was used last is mostly the one that is wanted again.
static struct cache_entry *entry_look(const struct cache *cache, const struct source *source,
                                      const struct mint_scope *scope)
{
    struct cache_entry *entry = TAILQ_FIRST(&cache->entries);
    struct text key = {0};

    if (entry && has_key_of(entry, source, scope))
        return entry;
    make_key(source, scope, &key);
    entry = entry_find(cache, text_string(&key));
    text_free(&key);
    return entry;
}

struct token *cache_look(struct cache *cache, const struct source *source, const struct mint_scope *scope)
{
    struct cache_entry *entry = entry_look(cache, source, scope);

    if (!entry || !cache_entry_usable(entry) || cache_entry_left_ms(entry) <= entry->refresh_left_ms)
        return NULL;
    use(entry);
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
    deferred_init(&request->deferred, deliver, request);
    make_key(source, scope, &key);
    struct cache_entry *entry = entry_find(cache, text_string(&key));
    if (!entry && cache->waiter_count < WAITERS_MAX && make_room(cache))
        entry = entry_make(cache, text_string(&key), source, scope);
    text_free(&key);
    if (entry && (cache->waiter_count < WAITERS_MAX || cache_entry_usable(entry))) {
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
    struct mono now = now_of(cache);
    struct cache_entry *entry;

    TAILQ_FOREACH(entry, &cache->entries, used) {
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
    TAILQ_INIT(&cache->entries);
    return cache;
}

void cache_free(struct cache *cache)
{
    struct cache_entry *entry;

    // A mint may wait for another entry's token: all end before the first entry goes.
    TAILQ_FOREACH(entry, &cache->entries, used)
        cache_entry_cancel(entry);
    while ((entry = TAILQ_FIRST(&cache->entries)))
        entry_free(entry);
    mem_free(cache);
}

void cache_adopt(struct cache *cache, struct cache *old, cache_source_fn *find, void *arg)
{
    struct cache_entry *from;

    TAILQ_FOREACH_REVERSE(from, &old->entries, cache_entries, used) {
        struct source *source = from->token ? find(arg, from->source) : NULL;

        if (!source || entry_find(cache, from->key) || !make_room(cache))
            continue;
        struct cache_entry *entry = entry_make(cache, from->key, source, &from->scope);
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
    const struct cache_entry *entry;

    TAILQ_FOREACH(entry, &cache->entries, used) {
        if (entry->source != source)
            continue;
        summary.tokens += cache_entry_usable(entry);
        if (cache_entry_usable(entry) && entry->token->expires_at.ms < summary.first_end.ms)
            summary.first_end = entry->token->expires_at;
        count_failure(entry, &summary);
    }
    *ret_summary = summary;
}
