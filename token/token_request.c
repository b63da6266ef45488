// What the forwarding path asks a service for: a token, a listing, a name. Each within a time limit.
#include <gitlatch/token_service.h>

#include <stdio.h>
#include <string.h>

#include <gitlatch/github_host.h>

#include "loop.h"
#include "mem.h"
#include "token_service_parts.h"

enum request_kind { REQUEST_TOKEN, REQUEST_LISTING, REQUEST_PREPARATION, REQUEST_REPOSITORY };

struct token_request {
    struct token_service *service; // a reference
    enum request_kind kind;
    struct timer deadline;
    struct token_walk *walk;          // NULL: it has ended
    struct repository_lookup *lookup; // NULL: not yet, or ended
    struct source *source;            // that prepares
    struct source_preparation *preparation;
    struct deferred known; // the answer is there already
    token_done_fn *done;
    token_listing_fn *done_listing;
    token_prepared_fn *done_prepared;
    token_repository_fn *done_repository;
    void *arg;
    char owner[OWNER_NAME_SIZE];
    const struct git_host *host;
    uint64_t id;
};

// Requests.

static void request_free(struct token_request *request)
{
    struct token_service *service = request->service;

    timer_stop(&request->deadline);
    deferred_cancel(&request->known);
    if (request->walk)
        token_walk_cancel(request->walk);
    if (request->lookup)
        repository_lookup_cancel(request->lookup);
    if (request->preparation)
        request->source->id.kind->prepare_cancel(request->preparation);
    mem_free(request);
    token_service_unref(service);
}

void token_request_cancel(struct token_request *request)
{
    request_free(request);
}

static void finish_token(struct token_request *request, struct token *token, const struct verdict *verdict)
{
    request->done(request->arg, token, token ? NULL : verdict);
    request_free(request);
}

static void finish_repository(struct token_request *request, const struct repository_name *name)
{
    request->done_repository(request->arg, name);
    request_free(request);
}

static void finish_listing(struct token_request *request, const struct token_listing *listing,
                           const struct verdict *verdict)
{
    request->done_listing(request->arg, listing, verdict);
    request_free(request);
}

static void finish_preparation(struct token_request *request)
{
    request->done_prepared(request->arg);
    request_free(request);
}

static void on_deadline(void *arg)
{
    struct token_request *request = arg;
    const struct verdict *met = request->walk ? token_walk_verdict(request->walk) : NULL;
    struct verdict verdict;

    if (request->kind == REQUEST_REPOSITORY) {
        finish_repository(request, NULL);
        return;
    }
    if (request->kind == REQUEST_PREPARATION) {
        finish_preparation(request);
        return;
    }
    if (met) {
        verdict = *met;
    } else {
        verdict_set(&verdict, REASON_TOKEN_TIMEOUT, NULL);
        verdict.retry_after_s = 1;
    }
    if (request->kind == REQUEST_LISTING)
        finish_listing(request, NULL, &verdict);
    else
        finish_token(request, NULL, &verdict);
}

static struct token_request *request_new(struct token_service *service, enum request_kind kind, timer_fn *known,
                                         void *arg)
{
    struct token_request *request = mem_alloc_zero(1, sizeof(*request));

    request->service = token_service_ref(service);
    request->kind = kind;
    request->arg = arg;
    timer_init(&request->deadline, service->loop, on_deadline, request);
    timer_start(&request->deadline, service->wait_ms);
    deferred_init(&request->known, known, request);
    return request;
}

static void on_token(void *arg, struct token *token, struct source *source, const struct verdict *verdict)
{
    struct token_request *request = arg;

    request->walk = NULL;
    finish_token(request, token, verdict);
}

struct token_request *token_service_ask(struct token_service *service, const struct scope *scope, token_done_fn *done,
                                        void *arg)
{
    struct token_request *request = request_new(service, REQUEST_TOKEN, NULL, arg);

    request->done = done;
    request->walk = token_walk_start(&service->walks, scope, on_token, request);
    return request;
}

struct token *token_service_look(struct token_service *service, const struct scope *scope)
{
    return token_walk_look(&service->walks, scope);
}

void token_service_rejected(struct token_service *service, const struct token *token)
{
    cache_rejected(service->cache, token);
}

static void on_listing(void *arg, const struct token_listing *listing, const struct verdict *verdict)
{
    struct token_request *request = arg;

    request->walk = NULL;
    finish_listing(request, listing, verdict);
}

struct token_request *token_service_list(struct token_service *service, const struct git_host *host, const char *owner,
                                         token_listing_fn *done, void *arg)
{
    struct token_request *request = request_new(service, REQUEST_LISTING, NULL, arg);

    request->done_listing = done;
    request->walk = token_walk_start_listing(&service->walks, host, owner, on_listing, request);
    return request;
}

// The source of the host that is asked first; NULL: it has none.
static struct source *first_source(const struct token_service *service, const struct git_host *host)
{
    for (size_t i = 0; i < service->source_count; i++) {
        if (strcmp(service->sources[i]->host->web, host->web) == 0)
            return service->sources[i];
    }
    return NULL;
}

// Ahead of the first mint.

static void on_source_prepared(void *arg)
{
    struct token_request *request = arg;

    request->preparation = NULL;
    // From the loop: the request may hold the last reference, and with it goes the source that calls here.
    loop_defer(request->service->loop, &request->known);
}

static void on_preparation_known(void *arg)
{
    finish_preparation(arg);
}

struct token_request *token_service_prepare(struct token_service *service, const struct git_host *host,
                                            const char *owner, token_prepared_fn *done, void *arg)
{
    struct token_request *request = request_new(service, REQUEST_PREPARATION, on_preparation_known, arg);
    struct source *source = first_source(service, host);
    struct source_failure ignored;

    request->done_prepared = done;
    if (!source || !source->id.kind->prepare || !source->id.kind->ready(source, &ignored)) {
        loop_defer(service->loop, &request->known);
        return request;
    }
    request->source = source;
    request->preparation = source->id.kind->prepare(source, owner, on_source_prepared, request);
    return request;
}

// Repositories by their id.

bool token_service_repository(const struct token_service *service, const struct git_host *host, uint64_t id,
                              struct repository_name *ret_name)
{
    return repository_map_find(service->map, host, id, ret_name) == REPOSITORY_KNOWN;
}

static void on_known(void *arg)
{
    struct token_request *request = arg;
    struct repository_name name;
    bool known = token_service_repository(request->service, request->host, request->id, &name);

    finish_repository(request, known ? &name : NULL);
}

static void on_repository(void *arg, const struct token_repository *repository, bool missing)
{
    struct token_request *request = arg;
    struct repository_map *map = request->service->map;

    request->lookup = NULL;
    // One that answers under another id is not the one asked for.
    if (repository && repository->id != request->id)
        repository = NULL;
    if (repository)
        repository_map_learn(map, request->host, repository, 1);
    else if (missing)
        repository_map_learn_missing(map, request->host, request->id);
    // From the loop: the request may hold the last reference, and with it goes the client that calls here.
    loop_defer(request->service->loop, &request->known);
}

// A broker gives no token with which a repository could be looked up at GitHub: it is one that it lists, or none.
static void on_names(void *arg, const struct token_listing *listing, const struct verdict *verdict)
{
    struct token_request *request = arg;
    const struct token_repository *found = NULL;

    request->walk = NULL;
    for (size_t i = 0; listing && !found && i < listing->count; i++) {
        if (listing->repositories[i].id == request->id)
            found = &listing->repositories[i];
    }
    on_repository(request, found, listing && !listing->wide);
}

static void on_finder(void *arg, struct token *token, struct source *source, const struct verdict *verdict)
{
    struct token_request *request = arg;

    request->walk = NULL;
    if (!token) {
        finish_repository(request, NULL);
        return;
    }
    request->lookup = repository_lookup_start(request->service->cache, source, request->owner,
                                              github_call_repository_by_id(github_host_of(source->host), request->id),
                                              on_repository, request);
}

struct token_request *token_service_find_repository(struct token_service *service, const struct git_host *host,
                                                    const char *owner, uint64_t id, token_repository_fn *done,
                                                    void *arg)
{
    struct token_request *request = request_new(service, REQUEST_REPOSITORY, on_known, arg);
    struct scope scope = {.host = host, .reach = SCOPE_INSTALLATION, .use = SCOPE_USE_API_READ};
    const struct source *first = first_source(service, host);
    struct repository_name name;

    request->done_repository = done;
    request->host = host;
    request->id = id;
    snprintf(request->owner, sizeof(request->owner), "%s", owner ? owner : "");
    snprintf(scope.repository.owner, sizeof(scope.repository.owner), "%s", request->owner);
    if (repository_map_find(service->map, host, id, &name) != REPOSITORY_UNKNOWN)
        loop_defer(service->loop, &request->known);
    else if (first && first->id.kind->list)
        request->walk = token_walk_start_listing(&service->walks, host, request->owner, on_names, request);
    else
        request->walk = token_walk_start(&service->walks, &scope, on_finder, request);
    return request;
}
