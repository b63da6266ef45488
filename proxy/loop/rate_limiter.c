#include "rate_limiter.h"

#include "loop.h"
#include "lru.h"
#include "mem.h"

struct limited {
    struct lru_entry entry; // its key is the name
    struct pace pace;
};

struct rate_limiter {
    struct loop *loop;
    struct pace_rate rate;
    struct lru names; // of struct limited
};

static void limited_free(struct lru_entry *entry)
{
    mem_free(entry);
}

static struct limited *limited_find(const struct rate_limiter *limiter, const char *name)
{
    return (struct limited *)lru_find(&limiter->names, bytes_of_string(name));
}

static struct limited *limited_add(struct rate_limiter *limiter, const char *name)
{
    struct limited *limited = mem_alloc_zero(1, sizeof(*limited));

    lru_add(&limiter->names, &limited->entry, bytes_of_string(name));
    return limited;
}

struct rate_limiter *rate_limiter_new(struct loop *loop, struct pace_rate rate, size_t names)
{
    struct rate_limiter *limiter = mem_alloc_zero(1, sizeof(*limiter));

    *limiter = (struct rate_limiter){.loop = loop, .rate = rate};
    lru_init(&limiter->names, names, NULL, limited_free);
    return limiter;
}

void rate_limiter_free(struct rate_limiter *limiter)
{
    if (!limiter)
        return;
    lru_clear(&limiter->names);
    mem_free(limiter);
}

bool rate_limiter_take(struct rate_limiter *limiter, const char *name)
{
    struct limited *limited = limited_find(limiter, name);

    if (!limited)
        limited = limited_add(limiter, name);
    lru_use(&limiter->names, &limited->entry);
    return pace_take(&limited->pace, &limiter->rate, loop_now(limiter->loop));
}

unsigned rate_limiter_wait_s(const struct rate_limiter *limiter, const char *name)
{
    const struct limited *limited = limited_find(limiter, name);
    int64_t wait_ms = limited ? pace_wait_ms(&limited->pace, &limiter->rate, loop_now(limiter->loop)) : 0;

    return (unsigned)((wait_ms + SECOND_MS - 1) / SECOND_MS);
}
