#include "repository_list.h"

#include <stdio.h>
#include <string.h>

#include "flight.h"
#include "github_answer.h"
#include "github_call.h"
#include "github_failure.h"
#include "loop.h"
#include "lru.h"
#include "mem.h"
#include "secret.h"

#define KEEP_MS (5 * MINUTE_MS)
// A list that could not be had is not asked for again sooner, unless GitHub names a time.
#define FAILED_KEEP_MS (5 * SECOND_MS)
// 100 pages of 100; at 184 bytes each, under 2 MiB. An installation with more is one for narrower rules.
#define REPOSITORIES_MAX 10000
// Names of an owner that are minted for before its list is looked at: a workspace has a few, and no list is needed for them.
#define UNLISTED_MAX 4
// Owners whose list is kept; beyond, the one asked for longest ago goes.
#define LISTS_MAX 32

struct repository_list_request {
    struct flight_waiter waiter; // first
    struct repository_list *list;
    repository_list_fn *done;
    void *arg;
};

struct repository_list {
    struct lru_entry entry; // first
    struct repository_lists *lists;
    struct source *source;
    char owner[OWNER_NAME_SIZE];
    struct token_repository *repositories;
    size_t count, capacity;
    unsigned page;
    struct source_failure failure; // REASON_NONE: there is a list
    struct mono listed_at, until;
    unsigned unlisted; // names that were minted for since no list is kept
    bool distrusted;   // a name was asked for that is not there
    struct cache_request *asking;
    struct token *token;
    struct http_request *request;
    struct source_listing *listing; // where the issuer lists
    unsigned users;                 // requests that will be given it
    struct flight flight;
};

struct repository_lists {
    struct loop *loop;
    struct cache *cache;
    struct repository_map *map;
    struct lru lists; // of struct repository_list, by source and owner
};

static bool list_is_busy(const struct repository_list *list)
{
    return list->asking || list->request || list->listing;
}

static bool list_is_idle(const struct lru_entry *entry)
{
    const struct repository_list *list = (const struct repository_list *)entry;

    return list->users == 0 && !list_is_busy(list);
}

static void list_free(struct lru_entry *entry)
{
    struct repository_list *list = (struct repository_list *)entry;

    if (list->asking)
        cache_cancel(list->asking);
    if (list->request)
        list->source->transport->cancel(list->source->transport, list->request);
    if (list->listing)
        list->source->id.kind->list_cancel(list->listing);
    token_unref(list->token);
    mem_free(list->repositories);
    mem_free(list);
}

struct repository_lists *repository_lists_new(struct loop *loop, struct cache *cache, struct repository_map *map)
{
    struct repository_lists *lists = mem_alloc_zero(1, sizeof(*lists));

    lists->loop = loop;
    lists->cache = cache;
    lists->map = map;
    lru_init(&lists->lists, LISTS_MAX, list_is_idle, list_free);
    return lists;
}

void repository_lists_free(struct repository_lists *lists)
{
    lru_clear(&lists->lists);
    mem_free(lists);
}

static void list_deliver(void *arg)
{
    struct repository_list_request *request = arg;
    struct repository_list *list = request->list;
    bool failed = list->failure.verdict.reason != REASON_NONE;

    list->users--;
    request->done(request->arg, failed ? NULL : list->repositories, failed ? 0 : list->count,
                  failed ? &list->failure : NULL);
    mem_free(request);
}

static void list_settle(struct repository_list *list, int64_t keep_ms)
{
    struct flight_waiter *waiter;

    token_unref(list->token);
    list->token = NULL;
    list->listed_at = loop_now(list->lists->loop);
    list->until.ms = list->listed_at.ms + keep_ms;
    list->unlisted = 0;
    while ((waiter = flight_take(&list->flight)))
        flight_settle(list->lists->loop, waiter);
}

static void list_fail(struct repository_list *list, const struct source_failure *failure)
{
    int64_t keep_ms = failure->verdict.reason == REASON_SET_TOO_LARGE ? KEEP_MS : FAILED_KEEP_MS;

    list->failure = *failure;
    list_settle(list, failure->retry_ms ? failure->retry_ms : keep_ms);
}

static void list_fail_with(struct repository_list *list, enum reason reason, const char *what)
{
    struct source_failure failure;

    source_failure_set(&failure, reason == REASON_SET_TOO_LARGE, reason, "%s: %s",
                       github_host_of(list->source->host)->api, what);
    list_fail(list, &failure);
}

static void ask_page(struct repository_list *list);

static void take_page(struct repository_list *list, const struct source_page *page, bool last)
{
    repository_map_learn(list->lists->map, list->source->host, page->repositories, page->count);
    list->repositories =
        mem_grow(list->repositories, &list->capacity, list->count + page->count, sizeof(*page->repositories));
    memcpy(list->repositories + list->count, page->repositories, page->count * sizeof(*page->repositories));
    list->count += page->count;
    if (page->total > REPOSITORIES_MAX || list->count > REPOSITORIES_MAX) {
        list_fail_with(list, REASON_SET_TOO_LARGE, "the installation covers more than 10000 repositories");
    } else if (last || page->count == 0 || list->count >= page->total) {
        list_settle(list, KEEP_MS);
    } else {
        list->page++;
        ask_page(list);
    }
}

static void read_page(struct repository_list *list, const struct http_answer *answer)
{
    struct source_page page;
    struct error error;

    if (!github_answer_repositories(answer->body, NULL, &page.repositories, &page.count, &page.total, &error)) {
        list_fail_with(list, REASON_TOKEN_SOURCE, error.text);
        return;
    }
    take_page(list, &page, page.count < GITHUB_CALL_PAGE_SIZE);
    mem_free(page.repositories);
}

static void on_listed(void *arg, const struct source_page *page, const struct source_failure *failure)
{
    struct repository_list *list = arg;

    list->listing = NULL;
    if (page)
        take_page(list, page, false);
    else
        list_fail(list, failure);
}

static void on_answer(void *arg, const struct http_answer *answer)
{
    struct repository_list *list = arg;
    struct source_failure failure;

    list->request = NULL;
    if (answer->status == 200) {
        read_page(list, answer);
        return;
    }
    if (answer->status == 401)
        cache_rejected(list->lists->cache, list->token);
    github_failure(github_host_of(list->source->host), answer, clock_wall(loop_clock(list->lists->loop)), &failure);
    list_fail(list, &failure);
}

static void ask_github(struct repository_list *list)
{
    struct http_transport *transport = list->source->transport;
    struct github_call call = github_call_repositories(github_host_of(list->source->host), list->page);
    struct http_call http = github_call_http(&call, secret_bytes(list->token->value), list->source->tls);

    list->request = transport->ask(transport, &http, on_answer, list);
    github_call_clear(&call);
}

static void ask_page(struct repository_list *list)
{
    if (list->token)
        ask_github(list);
    else
        list->listing = list->source->id.kind->list(list->source, list->owner, list->page, on_listed, list);
}

static void on_token(void *arg, struct token *token, const struct verdict *verdict)
{
    struct repository_list *list = arg;
    struct source_failure failure = {0};

    list->asking = NULL;
    if (!token) {
        failure.verdict = *verdict;
        list_fail(list, &failure);
        return;
    }
    list->token = token_ref(token);
    ask_page(list);
}

static void list_enumerate(struct repository_list *list)
{
    struct mint_scope scope;

    list->count = 0;
    list->page = 1;
    list->failure = (struct source_failure){0};
    if (list->source->id.kind->list) {
        ask_page(list);
        return;
    }
    source_scope_metadata(list->source, list->owner, &scope);
    list->asking = cache_ask(list->lists->cache, list->source, &scope, on_token, list);
    mint_scope_clear(&scope);
}

static struct repository_list *list_make(struct repository_lists *lists, struct source *source, const char *owner,
                                         struct bytes key)
{
    struct repository_list *list = mem_alloc_zero(1, sizeof(*list));

    list->lists = lists;
    list->source = source;
    snprintf(list->owner, sizeof(list->owner), "%s", owner);
    flight_init(&list->flight);
    lru_add(&lists->lists, &list->entry, key);
    return list;
}

// The list of this owner by this source, made where it is not there, and used now.
static struct repository_list *list_of(struct repository_lists *lists, struct source *source, const char *owner)
{
    char key[OWNER_NAME_SIZE + 32];

    snprintf(key, sizeof(key), "%p %s", (void *)source, owner);
    struct repository_list *list = (struct repository_list *)lru_find(&lists->lists, bytes_of_string(key));
    if (!list)
        return list_make(lists, source, owner, bytes_of_string(key));
    lru_use(&lists->lists, &list->entry);
    return list;
}

// Whether it says what there is, or why that cannot be had.
static bool list_is_kept(const struct repository_list *list)
{
    return loop_now(list->lists->loop).ms < list->until.ms;
}

struct repository_list_request *repository_list_ask_young(struct repository_lists *lists, struct source *source,
                                                          const char *owner, int64_t age_ms, repository_list_fn *done,
                                                          void *arg)
{
    struct repository_list_request *request = mem_alloc_zero(1, sizeof(*request));
    struct repository_list *list = list_of(lists, source, owner);
    bool failed = list->failure.verdict.reason != REASON_NONE;
    bool young = list_is_kept(list) && (failed || loop_now(lists->loop).ms - list->listed_at.ms < age_ms);

    list->users++;
    *request = (struct repository_list_request){.list = list, .done = done, .arg = arg};
    flight_waiter_init(&request->waiter, list_deliver, request);
    // One that others are about to be given is not emptied under them.
    if (!list_is_busy(list) && (young || list->users > 1)) {
        flight_settle(lists->loop, &request->waiter);
        return request;
    }
    flight_join(&list->flight, &request->waiter);
    if (!list_is_busy(list))
        list_enumerate(list);
    return request;
}

struct repository_list_request *repository_list_ask(struct repository_lists *lists, struct source *source,
                                                    const char *owner, repository_list_fn *done, void *arg)
{
    return repository_list_ask_young(lists, source, owner, KEEP_MS, done, arg);
}

bool repository_list_holds(const struct token_repository *repositories, size_t count,
                           const struct repository_name *name)
{
    for (size_t i = 0; i < count; i++) {
        if (repository_name_equal(&repositories[i].name, name))
            return true;
    }
    return false;
}

bool repository_list_lets_mint(struct repository_lists *lists, struct source *source,
                               const struct repository_name *name)
{
    struct repository_list *list = list_of(lists, source, name->owner);

    if (list_is_busy(list))
        return false;
    if (list_is_kept(list))
        return list->failure.verdict.reason != REASON_NONE ||
               repository_list_holds(list->repositories, list->count, name);
    return !list->distrusted && list->unlisted++ < UNLISTED_MAX;
}

void repository_list_distrust(struct repository_lists *lists, struct source *source, const char *owner)
{
    list_of(lists, source, owner)->distrusted = true;
}

void repository_list_cancel(struct repository_list_request *request)
{
    flight_leave(&request->waiter);
    request->list->users--;
    mem_free(request);
}
