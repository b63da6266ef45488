#include "rate_limiter.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "loop.h"
#include "mem.h"

struct limited {
    const char *name; // of the bytes at the end
    TAILQ_ENTRY(limited) link;
    struct pace pace;
    char text[];
};

struct rate_limiter {
    struct loop *loop;
    struct pace_rate rate;
    void *tree;                             // of struct limited, tsearch(3)
    TAILQ_HEAD(limited_list, limited) used; // last seen first
    size_t count, most;
};

static int compare(const void *a, const void *b)
{
    return strcmp(((const struct limited *)a)->name, ((const struct limited *)b)->name);
}

static struct limited *find(const struct rate_limiter *limiter, const char *name)
{
    struct limited wanted = {.name = name};
    void *found = tfind(&wanted, &limiter->tree, compare);

    return found ? *(struct limited **)found : NULL;
}

static void forget(struct rate_limiter *limiter, struct limited *limited)
{
    tdelete(limited, &limiter->tree, compare);
    TAILQ_REMOVE(&limiter->used, limited, link);
    limiter->count--;
    mem_free(limited);
}

static struct limited *add(struct rate_limiter *limiter, const char *name)
{
    size_t size = strlen(name) + 1;
    struct limited *limited = mem_alloc_zero(1, sizeof(*limited) + size);

    if (limiter->count >= limiter->most)
        forget(limiter, TAILQ_LAST(&limiter->used, limited_list));
    memcpy(limited->text, name, size);
    limited->name = limited->text;
    TAILQ_INSERT_HEAD(&limiter->used, limited, link);
    limiter->count++;
    if (!tsearch(limited, &limiter->tree, compare))
        abort(); // memory ran out
    return limited;
}

struct rate_limiter *rate_limiter_new(struct loop *loop, struct pace_rate rate, size_t names)
{
    struct rate_limiter *limiter = mem_alloc_zero(1, sizeof(*limiter));

    *limiter = (struct rate_limiter){.loop = loop, .rate = rate, .most = names};
    TAILQ_INIT(&limiter->used);
    return limiter;
}

void rate_limiter_free(struct rate_limiter *limiter)
{
    if (!limiter)
        return;
    while (!TAILQ_EMPTY(&limiter->used))
        forget(limiter, TAILQ_FIRST(&limiter->used));
    mem_free(limiter);
}

bool rate_limiter_take(struct rate_limiter *limiter, const char *name)
{
    struct limited *limited = find(limiter, name);

    if (!limited)
        limited = add(limiter, name);
    TAILQ_REMOVE(&limiter->used, limited, link);
    TAILQ_INSERT_HEAD(&limiter->used, limited, link);
    return pace_take(&limited->pace, &limiter->rate, loop_now(limiter->loop));
}

unsigned rate_limiter_wait_s(const struct rate_limiter *limiter, const char *name)
{
    const struct limited *limited = find(limiter, name);
    int64_t wait_ms = limited ? pace_wait_ms(&limited->pace, &limiter->rate, loop_now(limiter->loop)) : 0;

    return (unsigned)((wait_ms + SECOND_MS - 1) / SECOND_MS);
}
