#include "resolve.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <sys/queue.h>

#include "dns_channel.h"
#include "flight.h"
#include "loop.h"
#include "lru.h"
#include "mem.h"

// GitHub's records live 60 s. A time to live of 0 would ask DNS for each connection; a long one would keep an
// address that was moved.
#define TTL_MIN_MS (5 * SECOND_MS)
#define TTL_MAX_MS (5 * MINUTE_MS)
// Asked again once this part of its time has passed, so that nobody waits for it.
#define REFRESH_AT(ttl_ms) ((ttl_ms)*3 / 4)
// A name not used for this long is let go.
#define KEEP_MS (10 * MINUTE_MS)
// Addresses outlive their time by this much when DNS does not answer, and DNS is asked again this often.
#define STALE_MS       HOUR_MS
#define STALE_RETRY_MS (30 * SECOND_MS)
// A name that has no address is not asked for again sooner.
#define FAILED_MS (2 * SECOND_MS)
// RFC 8305, section 3: once one family's addresses are there, the other's are waited for no longer than this. Servers
// that swallow questions for AAAA would else cost each name seconds.
#define RESOLUTION_DELAY_MS 50
// Names that are kept: a workspace that asks for many pushes out those used longest ago.
#define NAMES_MAX 1024
// Room for c-ares' longest sentence.
#define PROBLEM_SIZE 96

struct resolve_request {
    struct flight_waiter waiter;     // first; of the name
    LIST_ENTRY(resolve_request) all; // of the resolver
    struct resolver *resolver;
    resolve_done_fn *done;
    void *arg;
    union resolve_address addresses[RESOLVE_ADDRESSES_MAX];
    size_t count;
    char problem[PROBLEM_SIZE];
};

// The addresses of one family, as DNS gave them last.
struct family {
    union resolve_address addresses[RESOLVE_ADDRESSES_MAX / 2];
    size_t count;
    int64_t ttl_ms;
};

enum { FAMILY_V6, FAMILY_V4, FAMILY_COUNT };

// One name and its addresses. Empty (count 0) until the first answer, and after a failure.
struct resolve_name {
    struct lru_entry entry; // first; the key is the name
    struct resolver *resolver;
    union resolve_address addresses[RESOLVE_ADDRESSES_MAX];
    size_t count;
    char problem[PROBLEM_SIZE]; // of the last question, where it failed
    struct mono fresh_until;    // until then the addresses, or the failure, are taken as they are
    struct mono stale_until;
    struct mono used_at;
    bool asking;                          // DNS owes an answer
    struct family families[FAMILY_COUNT]; // of the question in progress
    int failure;                          // ARES_SUCCESS, or the worst status of the question in progress
    struct timer delay;                   // of the waiters, for the other family
    struct timer timer;                   // to ask ahead, or to let go
    struct flight flight;
};

struct resolver {
    struct loop *loop;
    struct dns_channel *channel;
    struct lru names; // of struct resolve_name
    LIST_HEAD(, resolve_request) requests;
    bool ending;
};

static void ask_dns(struct resolve_name *name);
static void on_resolution_delay(void *arg);

static bool name_is_idle(const struct lru_entry *entry)
{
    const struct resolve_name *name = (const struct resolve_name *)entry;

    return !name->asking && flight_is_empty(&name->flight);
}

static void name_free(struct lru_entry *entry)
{
    struct resolve_name *name = (struct resolve_name *)entry;

    timer_stop(&name->delay);
    timer_stop(&name->timer);
    mem_free(name);
}

static void on_name_timer(void *arg)
{
    struct resolve_name *name = arg;

    if (name->asking)
        return; // the answer sets it again
    if (loop_now(name->resolver->loop).ms - name->used_at.ms >= KEEP_MS || name->count == 0)
        lru_drop(&name->resolver->names, &name->entry);
    else
        ask_dns(name);
}

static struct resolve_name *name_find(struct resolver *resolver, const char *text)
{
    return (struct resolve_name *)lru_find(&resolver->names, bytes_of_string(text));
}

static struct resolve_name *name_make(struct resolver *resolver, const char *text)
{
    struct resolve_name *name = mem_alloc_zero(1, sizeof(*name));

    name->resolver = resolver;
    timer_init(&name->delay, resolver->loop, on_resolution_delay, name);
    timer_init(&name->timer, resolver->loop, on_name_timer, name);
    flight_init(&name->flight);
    lru_add(&resolver->names, &name->entry, bytes_of_string(text));
    return name;
}

static void resolve_deliver(void *arg)
{
    struct resolve_request *request = arg;
    struct resolve_answer answer = {
        .addresses = request->addresses,
        .count = request->count,
        .problem = request->count ? NULL : request->problem,
    };

    LIST_REMOVE(request, all);
    request->done(request->arg, &answer);
    mem_free(request);
}

// The request takes what the name has, and leaves its waiters.
static void resolve_settle(struct resolve_request *request, const struct resolve_name *name)
{
    memcpy(request->addresses, name->addresses, name->count * sizeof(name->addresses[0]));
    request->count = name->count;
    memcpy(request->problem, name->problem, sizeof(request->problem));
    flight_settle(request->resolver->loop, &request->waiter);
}

static void resolve_settle_waiters(struct resolve_name *name)
{
    struct flight_waiter *waiter;

    while ((waiter = flight_take(&name->flight)))
        resolve_settle((struct resolve_request *)waiter, name);
}

// The families in turns (RFC 8305, section 4). IPv6 comes first; where there is no way to it, connect(2) fails at once.
static void take_alternating(struct resolve_name *name)
{
    const struct family *v6 = &name->families[FAMILY_V6], *v4 = &name->families[FAMILY_V4];

    memset(name->addresses, 0, sizeof(name->addresses));
    name->count = 0;
    for (size_t i = 0; i < v6->count || i < v4->count; i++) {
        if (i < v6->count)
            name->addresses[name->count++] = v6->addresses[i];
        if (i < v4->count)
            name->addresses[name->count++] = v4->addresses[i];
    }
}

static void family_take(struct family *family, int wanted, const struct ares_addrinfo_node *node)
{
    int64_t ttl_ms = TTL_MAX_MS;

    for (; node && family->count < GL_ARRAY_SIZE(family->addresses); node = node->ai_next) {
        if (node->ai_family != wanted || node->ai_addrlen > sizeof(family->addresses[0]))
            continue;
        memcpy(&family->addresses[family->count++], node->ai_addr, node->ai_addrlen);
        if (node->ai_ttl * SECOND_MS < ttl_ms)
            ttl_ms = node->ai_ttl * SECOND_MS;
    }
    family->ttl_ms = ttl_ms < TTL_MIN_MS ? TTL_MIN_MS : ttl_ms;
}

// The addresses that have come so far are the name's.
static void name_answered(struct resolve_name *name)
{
    struct mono now = loop_now(name->resolver->loop);
    int64_t ttl_ms = TTL_MAX_MS;

    for (size_t i = 0; i < FAMILY_COUNT; i++) {
        if (name->families[i].count && name->families[i].ttl_ms < ttl_ms)
            ttl_ms = name->families[i].ttl_ms;
    }
    take_alternating(name);
    name->fresh_until.ms = now.ms + ttl_ms;
    name->stale_until.ms = now.ms + ttl_ms + STALE_MS;
    timer_start(&name->timer, REFRESH_AT(ttl_ms));
}

static bool is_absence(int status)
{
    return status == ARES_ENOTFOUND || status == ARES_ENODATA;
}

// DNS answered no, or nothing: earlier addresses stay in use for a while, unless it answered that there are none.
static void name_failed(struct resolve_name *name)
{
    struct mono now = loop_now(name->resolver->loop);
    bool none = is_absence(name->failure);

    snprintf(name->problem, sizeof(name->problem), "%s",
             none ? "the name does not exist or has no address" : ares_strerror(name->failure));
    if (none || now.ms >= name->stale_until.ms)
        name->count = 0;
    int64_t kept_ms = name->count ? STALE_RETRY_MS : FAILED_MS;
    name->fresh_until.ms = now.ms + kept_ms;
    timer_start(&name->timer, REFRESH_AT(kept_ms));
}

// The other family has had its time: the waiters go on with what is there.
static void on_resolution_delay(void *arg)
{
    struct resolve_name *name = arg;

    name_answered(name);
    resolve_settle_waiters(name);
}

static void name_note(struct resolve_name *name, const struct dns_answer *answer)
{
    if (answer->family != AF_INET)
        family_take(&name->families[FAMILY_V6], AF_INET6, answer->nodes);
    if (answer->family != AF_INET6)
        family_take(&name->families[FAMILY_V4], AF_INET, answer->nodes);
    // That the name does not exist is true of both families; a server's failure says more than one that has no address.
    if (answer->status == ARES_ENOTFOUND || name->failure == ARES_SUCCESS || name->failure == ARES_ENODATA)
        name->failure = answer->status == ARES_SUCCESS ? name->failure : answer->status;
}

static void on_dns_answer(void *arg, const struct dns_answer *answer)
{
    struct resolve_name *name = arg;

    if (answer->last)
        name->asking = false;
    if (name->resolver->ending)
        return;
    name_note(name, answer);
    bool found = name->families[FAMILY_V6].count || name->families[FAMILY_V4].count;
    if (!answer->last) {
        if (found)
            timer_start(&name->delay, RESOLUTION_DELAY_MS);
        return;
    }
    timer_stop(&name->delay);
    if (found)
        name_answered(name);
    else
        name_failed(name);
    resolve_settle_waiters(name);
}

static void ask_dns(struct resolve_name *name)
{
    if (name->asking)
        return;
    name->asking = true;
    name->failure = ARES_SUCCESS;
    memset(name->families, 0, sizeof(name->families));
    dns_channel_ask(name->resolver->channel, name->entry.key_copy, on_dns_answer, name);
}

struct resolver *resolver_new(struct loop *loop, enum resolve_lookups lookups, const char *servers,
                              struct error *ret_error)
{
    struct resolver *resolver = mem_alloc_zero(1, sizeof(*resolver));

    resolver->loop = loop;
    lru_init(&resolver->names, NAMES_MAX, name_is_idle, name_free);
    LIST_INIT(&resolver->requests);
    resolver->channel = dns_channel_new(loop, lookups == RESOLVE_FILES_AND_DNS, servers, ret_error);
    if (!resolver->channel) {
        mem_free(resolver);
        return NULL;
    }
    return resolver;
}

void resolver_free(struct resolver *resolver)
{
    struct resolve_request *request;

    if (!resolver)
        return;
    resolver->ending = true;
    dns_channel_free(resolver->channel);
    while ((request = LIST_FIRST(&resolver->requests)))
        resolve_cancel(request);
    lru_clear(&resolver->names);
    mem_free(resolver);
}

static void ask_name(struct resolve_request *request, const char *text)
{
    struct resolver *resolver = request->resolver;
    struct mono now = loop_now(resolver->loop);
    struct resolve_name *name = name_find(resolver, text);

    if (!name)
        name = name_make(resolver, text);
    lru_use(&resolver->names, &name->entry);
    name->used_at = now;
    if (now.ms < name->fresh_until.ms) {
        resolve_settle(request, name);
        return;
    }
    flight_join(&name->flight, &request->waiter);
    ask_dns(name);
}

struct resolve_request *resolve_ask(struct resolver *resolver, const char *name, resolve_done_fn *done, void *arg)
{
    struct resolve_request *request = mem_alloc_zero(1, sizeof(*request));

    request->resolver = resolver;
    request->done = done;
    request->arg = arg;
    flight_waiter_init(&request->waiter, resolve_deliver, request);
    LIST_INSERT_HEAD(&resolver->requests, request, all);
    if (resolve_literal(name, &request->addresses[0])) {
        request->count = 1;
        flight_settle(resolver->loop, &request->waiter);
    } else {
        ask_name(request, name);
    }
    return request;
}

void resolve_cancel(struct resolve_request *request)
{
    flight_leave(&request->waiter);
    LIST_REMOVE(request, all);
    mem_free(request);
}

static void expire(struct resolver *resolver, const char *text)
{
    struct resolve_name *name = name_find(resolver, text);

    if (name)
        name->fresh_until = (struct mono){INT64_MIN};
}

void resolve_forget(struct resolver *resolver, const char *name)
{
    char *absolute = mem_format("%s.", name);

    expire(resolver, name);
    expire(resolver, absolute);
    mem_free(absolute);
}

bool resolve_literal(const char *text, union resolve_address *ret_address)
{
    union resolve_address address = {0};
    size_t size = strlen(text);
    char bare[INET6_ADDRSTRLEN];

    if (size > 2 && text[0] == '[' && text[size - 1] == ']') {
        text++;
        size -= 2;
    }
    if (size >= sizeof(bare))
        return false;
    memcpy(bare, text, size);
    bare[size] = '\0';
    if (inet_pton(AF_INET, bare, &address.v4.sin_addr) == 1)
        address.any.sa_family = AF_INET;
    else if (inet_pton(AF_INET6, bare, &address.v6.sin6_addr) == 1)
        address.any.sa_family = AF_INET6;
    else
        return false;
    *ret_address = address;
    return true;
}

socklen_t resolve_address_size(const union resolve_address *address)
{
    return address->any.sa_family == AF_INET6 ? sizeof(address->v6) : sizeof(address->v4);
}
