#include "app_installation.h"

#include <inttypes.h>
#include <string.h>

#include "flight.h"
#include "loop.h"
#include "lru.h"
#include "mem.h"
#include "source.h"
#include "text.h"

// An installation keeps its id until it is removed, which GitHub's 404 reports; this bounds how long a renamed owner's
// old name leads to it.
#define FOUND_KEEP_MS HOUR_MS
// An App that was just installed is found after this at the latest.
#define FAILED_KEEP_MS (4 * SECOND_MS)
// Owners that are kept; beyond, the one asked for longest ago goes.
#define OWNERS_MAX 512

// What is asked, in this order, until one answers.
enum lookup {
    LOOKUP_REPOSITORY, // the usual case in one call, and the only one that follows a renamed owner
    LOOKUP_REDIRECTED,
    LOOKUP_ORG,
    LOOKUP_USER,
    LOOKUP_END,
};

struct app_installation_request {
    struct flight_waiter waiter; // first
    app_installation_fn *done;
    void *arg;
    struct github_installation found; // id 0: failed
    struct source_failure failure;
};

// One owner and its installation.
struct app_owner {
    struct lru_entry entry; // first; the key is the owner's name
    struct app_installations *installations;
    char name[OWNER_NAME_SIZE];
    struct repository_name repository; // with which it is looked up; name "": none
    enum lookup lookup;
    struct app_call *call;                // NULL: not being looked up
    struct github_installation found;     // id 0: none
    struct github_installation elsewhere; // of another owner, to which the repository's redirect led; id 0: none
    struct source_failure failure;
    struct mono until; // how long either is kept
    struct flight flight;
};

struct app_installations {
    struct app_caller *caller;
    uint64_t pinned;
    struct lru owners; // of struct app_owner
};

static struct loop *loop_of(const struct app_installations *installations)
{
    return installations->caller->source->loop;
}

static bool owner_is_idle(const struct lru_entry *entry)
{
    return !((const struct app_owner *)entry)->call;
}

static void owner_free(struct lru_entry *entry)
{
    struct app_owner *owner = (struct app_owner *)entry;

    if (owner->call)
        app_call_cancel(owner->call);
    mem_free(owner);
}

struct app_installations *app_installations_new(struct app_caller *caller, uint64_t pinned)
{
    struct app_installations *installations = mem_alloc_zero(1, sizeof(*installations));

    installations->caller = caller;
    installations->pinned = pinned;
    lru_init(&installations->owners, OWNERS_MAX, owner_is_idle, owner_free);
    return installations;
}

void app_installations_free(struct app_installations *installations)
{
    lru_clear(&installations->owners);
    mem_free(installations);
}

static struct app_owner *owner_find(const struct app_installations *installations, const char *name)
{
    return (struct app_owner *)lru_find(&installations->owners, bytes_of_string(name));
}

static struct app_owner *owner_make(struct app_installations *installations, const char *name)
{
    struct app_owner *owner = mem_alloc_zero(1, sizeof(*owner));

    owner->installations = installations;
    snprintf(owner->name, sizeof(owner->name), "%s", name);
    flight_init(&owner->flight);
    lru_add(&installations->owners, &owner->entry, bytes_of_string(name));
    return owner;
}

static void installation_deliver(void *arg)
{
    struct app_installation_request *request = arg;

    request->done(request->arg, request->found.id ? &request->found : NULL,
                  request->found.id ? NULL : &request->failure);
    mem_free(request);
}

static void installation_settle(struct app_installation_request *request, const struct app_owner *owner)
{
    request->found = owner->found;
    request->failure = owner->failure;
    flight_settle(loop_of(owner->installations), &request->waiter);
}

static void owner_settle(struct app_owner *owner, int64_t keep_ms)
{
    struct flight_waiter *waiter;

    owner->until.ms = loop_now(loop_of(owner->installations)).ms + keep_ms;
    while ((waiter = flight_take(&owner->flight)))
        installation_settle((struct app_installation_request *)waiter, owner);
}

static void found(struct app_owner *owner, const struct github_installation *installation)
{
    owner->found = *installation;
    owner_settle(owner, FOUND_KEEP_MS);
}

static void failed(struct app_owner *owner, const struct source_failure *failure)
{
    owner->found = (struct github_installation){0};
    owner->failure = *failure;
    // What passes is the cache's to retry, which keeps its own times.
    owner_settle(owner, failure->permanent ? FAILED_KEEP_MS : 0);
}

static void unreadable(struct app_owner *owner, const struct error *error)
{
    struct source_failure failure;

    source_failure_set(&failure, false, REASON_TOKEN_SOURCE, "%s: %s",
                       github_host_of(owner->installations->caller->source->host)->api, error->text);
    failed(owner, &failure);
}

// By owner.

static void look_up(struct app_owner *owner);

static void not_installed(struct app_owner *owner)
{
    struct source_failure failure;

    if (owner->elsewhere.id) {
        found(owner, &owner->elsewhere);
        return;
    }
    source_failure_set(&failure, true, REASON_NOT_INSTALLED, "the GitHub App is not installed for %s", owner->name);
    failed(owner, &failure);
}

static void on_redirect(struct app_owner *owner, const char *location);

static void on_lookup(void *arg, const struct http_answer *answer, const struct source_failure *failure)
{
    struct app_owner *owner = arg;
    struct github_installation installation;
    struct error error;

    owner->call = NULL;
    if (failure && failure->verdict.reason != REASON_NOT_INSTALLED) {
        failed(owner, failure);
        return;
    }
    if (answer && answer->status >= 300) {
        on_redirect(owner, answer->location);
        return;
    }
    if (answer) {
        if (!github_answer_installation(answer->body, &installation, &error)) {
            unreadable(owner, &error);
            return;
        }
        if (strcmp(installation.owner, owner->name) == 0) {
            found(owner, &installation);
            return;
        }
        // Of another owner: renamed, or just this repository was handed over. Asking for the owner decides.
        owner->elsewhere = installation;
    }
    if (owner->lookup < LOOKUP_ORG)
        owner->lookup = LOOKUP_ORG;
    else
        owner->lookup++;
    look_up(owner);
}

static void on_redirect(struct app_owner *owner, const char *location)
{
    struct app_installations *installations = owner->installations;
    struct github_call call;

    if (owner->lookup == LOOKUP_REPOSITORY && location &&
        github_call_redirected(github_host_of(installations->caller->source->host), location, &call)) {
        owner->lookup = LOOKUP_REDIRECTED;
        owner->call = app_call_start(installations->caller, call, on_lookup, owner);
        return;
    }
    owner->lookup = owner->lookup < LOOKUP_ORG ? LOOKUP_ORG : owner->lookup + 1;
    look_up(owner);
}

static void look_up(struct app_owner *owner)
{
    struct app_installations *installations = owner->installations;
    const struct github_host *host = github_host_of(installations->caller->source->host);
    struct github_call call;

    switch (owner->lookup) {
    case LOOKUP_REPOSITORY:
        call = github_call_repository_installation(host, &owner->repository);
        break;
    case LOOKUP_ORG:
        call = github_call_org_installation(host, owner->name);
        break;
    case LOOKUP_USER:
        call = github_call_user_installation(host, owner->name);
        break;
    case LOOKUP_REDIRECTED:
    case LOOKUP_END:
    default:
        not_installed(owner);
        return;
    }
    owner->call = app_call_start(installations->caller, call, on_lookup, owner);
}

// Pinned, and the only one.

static void on_pinned(void *arg, const struct http_answer *answer, const struct source_failure *failure)
{
    struct app_owner *owner = arg;
    struct github_installation installation;
    struct source_failure other;
    struct error error;

    owner->call = NULL;
    if (!answer) {
        failed(owner, failure);
    } else if (!github_answer_installation(answer->body, &installation, &error)) {
        unreadable(owner, &error);
    } else if (*owner->name && strcmp(owner->name, installation.owner) != 0) {
        source_failure_set(&other, true, REASON_NOT_INSTALLED,
                           "the configured installation %" PRIu64 " is of %s, not of %s", installation.id,
                           installation.owner, owner->name);
        failed(owner, &other);
    } else {
        found(owner, &installation);
    }
}

// There is not exactly one: names them.
static void several(struct app_owner *owner, const struct github_installation *installations, size_t count)
{
    struct source_failure failure;
    struct text names;

    text_init(&names, VERDICT_SENTENCE_SIZE / 2);
    for (size_t i = 0; i < count; i++)
        text_format(&names, "%s%s", i ? ", " : "", installations[i].owner);
    if (count == 0)
        source_failure_set(&failure, true, REASON_NOT_INSTALLED, "the GitHub App is not installed for anybody");
    else
        source_failure_set(&failure, true, REASON_OWNER_UNKNOWN, "the GitHub App has several installations: %s%s",
                           text_string(&names), names.cut ? ", …" : "");
    text_free(&names);
    failed(owner, &failure);
}

static void on_all(void *arg, const struct http_answer *answer, const struct source_failure *failure)
{
    struct app_owner *owner = arg;
    struct github_installation *installations;
    size_t count;
    struct error error;

    owner->call = NULL;
    if (!answer) {
        failed(owner, failure);
        return;
    }
    if (!github_answer_installations(answer->body, &installations, &count, &error)) {
        unreadable(owner, &error);
        return;
    }
    if (count == 1)
        found(owner, &installations[0]);
    else
        several(owner, installations, count);
    mem_free(installations);
}

static void begin(struct app_owner *owner, const struct mint_scope *scope)
{
    struct app_installations *installations = owner->installations;
    const struct github_host *host = github_host_of(installations->caller->source->host);

    owner->elsewhere = (struct github_installation){0};
    if (installations->pinned) {
        owner->call = app_call_start(installations->caller, github_call_installation(host, installations->pinned),
                                     on_pinned, owner);
    } else if (!*owner->name) {
        owner->call = app_call_start(installations->caller, github_call_installations(host), on_all, owner);
    } else {
        owner->repository = scope->repository;
        owner->lookup = scope->reach == SCOPE_REPOSITORY ? LOOKUP_REPOSITORY : LOOKUP_ORG;
        look_up(owner);
    }
}

struct app_installation_request *app_installation_find(struct app_installations *installations,
                                                       const struct mint_scope *scope, app_installation_fn *done,
                                                       void *arg)
{
    struct app_installation_request *request = mem_alloc_zero(1, sizeof(*request));
    struct app_owner *owner = owner_find(installations, scope->repository.owner);

    if (!owner)
        owner = owner_make(installations, scope->repository.owner);
    request->done = done;
    request->arg = arg;
    flight_waiter_init(&request->waiter, installation_deliver, request);
    lru_use(&installations->owners, &owner->entry);
    if (!owner->call && loop_now(loop_of(installations)).ms < owner->until.ms) {
        installation_settle(request, owner);
        return request;
    }
    flight_join(&owner->flight, &request->waiter);
    if (!owner->call)
        begin(owner, scope);
    return request;
}

void app_installation_cancel(struct app_installation_request *request)
{
    flight_leave(&request->waiter);
    mem_free(request);
}

void app_installation_forget(struct app_installations *installations, const char *name)
{
    struct app_owner *owner = owner_find(installations, name);

    if (owner)
        owner->until = (struct mono){INT64_MIN};
}

void app_installations_adopt(struct app_installations *installations, struct app_installations *old)
{
    const struct lru_entry *entry;

    LRU_FOREACH_OLDEST_FIRST(entry, &old->owners)
    {
        const struct app_owner *owner = (const struct app_owner *)entry;

        if (owner->found.id && !owner->call && !owner_find(installations, owner->name)) {
            struct app_owner *copy = owner_make(installations, owner->name);
            copy->found = owner->found;
            copy->until = owner->until;
        }
    }
}
