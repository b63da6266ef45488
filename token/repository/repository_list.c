#include "repository_list.h"

#include <stdio.h>
#include <string.h>
#include <sys/queue.h>

#include "github_answer.h"
#include "github_call.h"
#include "github_failure.h"
#include "loop.h"
#include "mem.h"
#include "secret.h"

#define KEEP_MS (5 * MINUTE_MS)
// A list that could not be had is not asked for again sooner, unless GitHub names a time.
#define FAILED_KEEP_MS (5 * SECOND_MS)
// 100 pages of 100; at 184 bytes each, under 2 MiB. An installation with more is one for narrower rules.
#define REPOSITORIES_MAX 10000
// Owners whose list is kept; beyond, the one asked for longest ago goes.
#define LISTS_MAX 32

struct repository_list_request {
    LIST_ENTRY(repository_list_request) link;
    struct repository_list *list;
    bool waiting; // in the list's waiters; else to be delivered
    struct deferred deferred;
    repository_list_fn *done;
    void *arg;
};

struct repository_list {
    TAILQ_ENTRY(repository_list) link; // asked for last first
    struct repository_lists *lists;
    struct source *source;
    char owner[OWNER_NAME_SIZE];
    struct token_repository *repositories;
    size_t count, capacity;
    unsigned page;
    struct source_failure failure; // REASON_NONE: there is a list
    struct mono until;
    struct cache_request *asking;
    struct token *token;
    struct http_request *request;
    unsigned users; // requests that will be given it
    LIST_HEAD(, repository_list_request) waiters;
};

struct repository_lists {
    struct loop *loop;
    struct cache *cache;
    struct repository_map *map;
    TAILQ_HEAD(repository_list_head, repository_list) lists;
    size_t count;
};

struct repository_lists *repository_lists_new(struct loop *loop, struct cache *cache, struct repository_map *map)
{
    struct repository_lists *lists = mem_alloc_zero(1, sizeof(*lists));

    lists->loop = loop;
    lists->cache = cache;
    lists->map = map;
    TAILQ_INIT(&lists->lists);
    return lists;
}

static void list_free(struct repository_list *list)
{
    TAILQ_REMOVE(&list->lists->lists, list, link);
    list->lists->count--;
    if (list->asking)
        cache_cancel(list->asking);
    if (list->request)
        list->source->transport->cancel(list->source->transport, list->request);
    token_unref(list->token);
    mem_free(list->repositories);
    mem_free(list);
}

void repository_lists_free(struct repository_lists *lists)
{
    struct repository_list *list;

    while ((list = TAILQ_FIRST(&lists->lists)))
        list_free(list);
    mem_free(lists);
}

static void deliver(void *arg)
{
    struct repository_list_request *request = arg;
    struct repository_list *list = request->list;
    bool failed = list->failure.verdict.reason != REASON_NONE;

    list->users--;
    request->done(request->arg, failed ? NULL : list->repositories, failed ? 0 : list->count,
                  failed ? &list->failure : NULL);
    mem_free(request);
}

static void settle(struct repository_list *list, int64_t keep_ms)
{
    struct repository_list_request *request;

    token_unref(list->token);
    list->token = NULL;
    list->until.ms = loop_now(list->lists->loop).ms + keep_ms;
    while ((request = LIST_FIRST(&list->waiters))) {
        LIST_REMOVE(request, link);
        request->waiting = false;
        loop_defer(list->lists->loop, &request->deferred);
    }
}

static void fail(struct repository_list *list, const struct source_failure *failure)
{
    list->failure = *failure;
    settle(list, failure->retry_ms ? failure->retry_ms : FAILED_KEEP_MS);
}

static void fail_with(struct repository_list *list, enum reason reason, const char *what)
{
    struct source_failure failure;

    source_failure_set(&failure, reason == REASON_SET_TOO_LARGE, reason, "%s: %s", list->source->host->api, what);
    fail(list, &failure);
}

static void ask_page(struct repository_list *list);

static void take_page(struct repository_list *list, const struct http_answer *answer)
{
    struct token_repository *page;
    size_t count, total;
    struct error error;

    if (!github_answer_repositories(answer->body, &page, &count, &total, &error)) {
        fail_with(list, REASON_TOKEN_SOURCE, error.text);
        return;
    }
    repository_map_learn(list->lists->map, list->source->host, page, count);
    list->repositories = mem_grow(list->repositories, &list->capacity, list->count + count, sizeof(*page));
    memcpy(list->repositories + list->count, page, count * sizeof(*page));
    list->count += count;
    mem_free(page);
    if (total > REPOSITORIES_MAX || list->count > REPOSITORIES_MAX) {
        fail_with(list, REASON_SET_TOO_LARGE, "the installation covers more than 10000 repositories");
    } else if (count < GITHUB_CALL_PAGE_SIZE || list->count >= total) {
        settle(list, KEEP_MS);
    } else {
        list->page++;
        ask_page(list);
    }
}

static void on_answer(void *arg, const struct http_answer *answer)
{
    struct repository_list *list = arg;
    struct source_failure failure;

    list->request = NULL;
    if (answer->status == 200) {
        take_page(list, answer);
        return;
    }
    if (answer->status == 401)
        cache_rejected(list->lists->cache, list->token);
    github_failure(list->source->host, answer, clock_wall(loop_clock(list->lists->loop)), &failure);
    fail(list, &failure);
}

static void ask_page(struct repository_list *list)
{
    struct http_transport *transport = list->source->transport;
    struct github_call call = github_call_repositories(list->source->host, list->page);
    struct http_call http = github_call_http(&call, secret_bytes(list->token->value), list->source->tls);

    list->request = transport->ask(transport, &http, on_answer, list);
    github_call_clear(&call);
}

static void on_token(void *arg, struct token *token, const struct verdict *verdict)
{
    struct repository_list *list = arg;
    struct source_failure failure = {0};

    list->asking = NULL;
    if (!token) {
        failure.verdict = *verdict;
        fail(list, &failure);
        return;
    }
    list->token = token_ref(token);
    ask_page(list);
}

static void enumerate(struct repository_list *list)
{
    struct mint_scope scope;

    list->count = 0;
    list->page = 1;
    list->failure = (struct source_failure){0};
    source_scope_metadata(list->source, list->owner, &scope);
    list->asking = cache_ask(list->lists->cache, list->source, &scope, on_token, list);
    mint_scope_clear(&scope);
}

static struct repository_list *list_find(const struct repository_lists *lists, const struct source *source,
                                         const char *owner)
{
    struct repository_list *list;

    TAILQ_FOREACH(list, &lists->lists, link) {
        if (list->source == source && strcmp(list->owner, owner) == 0)
            return list;
    }
    return NULL;
}

static void make_room(struct repository_lists *lists)
{
    struct repository_list *list;

    if (lists->count < LISTS_MAX)
        return;
    TAILQ_FOREACH_REVERSE(list, &lists->lists, repository_list_head, link) {
        if (list->users == 0 && !list->asking && !list->request) {
            list_free(list);
            return;
        }
    }
}

static struct repository_list *list_make(struct repository_lists *lists, struct source *source, const char *owner)
{
    struct repository_list *list = mem_alloc_zero(1, sizeof(*list));

    make_room(lists);
    list->lists = lists;
    list->source = source;
    snprintf(list->owner, sizeof(list->owner), "%s", owner);
    LIST_INIT(&list->waiters);
    TAILQ_INSERT_HEAD(&lists->lists, list, link);
    lists->count++;
    return list;
}

struct repository_list_request *repository_list_ask(struct repository_lists *lists, struct source *source,
                                                    const char *owner, repository_list_fn *done, void *arg)
{
    struct repository_list_request *request = mem_alloc_zero(1, sizeof(*request));
    struct repository_list *list = list_find(lists, source, owner);

    if (!list)
        list = list_make(lists, source, owner);
    list->users++;
    *request = (struct repository_list_request){.list = list, .done = done, .arg = arg};
    deferred_init(&request->deferred, deliver, request);
    bool busy = list->asking || list->request;
    // One that others are about to be given is not emptied under them.
    if (!busy && (loop_now(lists->loop).ms < list->until.ms || list->users > 1)) {
        loop_defer(lists->loop, &request->deferred);
        return request;
    }
    request->waiting = true;
    LIST_INSERT_HEAD(&list->waiters, request, link);
    if (!busy)
        enumerate(list);
    return request;
}

void repository_list_cancel(struct repository_list_request *request)
{
    if (request->waiting)
        LIST_REMOVE(request, link);
    deferred_cancel(&request->deferred);
    request->list->users--;
    mem_free(request);
}
