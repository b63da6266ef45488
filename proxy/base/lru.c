#include "lru.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"

static int compare_entries(const void *a, const void *b)
{
    const struct bytes left = ((const struct lru_entry *)a)->key, right = ((const struct lru_entry *)b)->key;
    size_t shorter = left.size < right.size ? left.size : right.size;
    int order = shorter ? memcmp(left.data, right.data, shorter) : 0;

    if (order != 0 || left.size == right.size)
        return order;
    return left.size < right.size ? -1 : 1;
}

void lru_init(struct lru *lru, size_t most, lru_idle_fn *idle, lru_free_fn *free)
{
    *lru = (struct lru){.most = most, .idle = idle, .free = free};
    TAILQ_INIT(&lru->entries);
}

void lru_clear(struct lru *lru)
{
    struct lru_entry *entry;

    while ((entry = TAILQ_FIRST(&lru->entries)))
        lru_drop(lru, entry);
}

struct lru_entry *lru_find(const struct lru *lru, struct bytes key)
{
    struct lru_entry wanted = {.key = key};
    void *found = tfind(&wanted, &lru->tree, compare_entries);

    return found ? *(struct lru_entry **)found : NULL;
}

bool lru_make_room(struct lru *lru)
{
    struct lru_entry *entry;

    if (lru->count < lru->most)
        return true;
    LRU_FOREACH_OLDEST_FIRST(entry, lru)
    {
        if (!lru->idle || lru->idle(entry)) {
            lru_drop(lru, entry);
            return true;
        }
    }
    return false;
}

void lru_add(struct lru *lru, struct lru_entry *entry, struct bytes key)
{
    lru_make_room(lru);
    entry->key_copy = mem_bytes_string(key);
    entry->key = bytes_of(entry->key_copy, key.size);
    TAILQ_INSERT_HEAD(&lru->entries, entry, link);
    lru->count++;
    if (!tsearch(entry, &lru->tree, compare_entries))
        abort(); // memory ran out
}

void lru_use(struct lru *lru, struct lru_entry *entry)
{
    if (entry == TAILQ_FIRST(&lru->entries))
        return;
    TAILQ_REMOVE(&lru->entries, entry, link);
    TAILQ_INSERT_HEAD(&lru->entries, entry, link);
}

void lru_drop(struct lru *lru, struct lru_entry *entry)
{
    char *key = entry->key_copy;

    tdelete(entry, &lru->tree, compare_entries);
    TAILQ_REMOVE(&lru->entries, entry, link);
    lru->count--;
    lru->free(entry);
    mem_free(key);
}
