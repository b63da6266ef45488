// A table of at most so many entries: where it is full, the entry that was used longest ago makes room for a new one.
// An entry is embedded, as the first member, in what is kept.
#ifndef GITLATCH_LRU_H
#define GITLATCH_LRU_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/queue.h>

#include <gitlatch/attr.h>

#include "bytes.h"

struct lru_entry {
    TAILQ_ENTRY(lru_entry) link;
    struct bytes key;
    char *key_copy; // owned by the table
};

// Whether an entry may make room for another: nobody waits for it.
typedef bool lru_idle_fn(const struct lru_entry *entry);
// Frees what embeds the entry, which is in no table any more.
typedef void lru_free_fn(struct lru_entry *entry);

// Embedded by its owner; all members are the table's.
struct lru {
    size_t most, count;
    lru_idle_fn *idle;
    lru_free_fn *free;
    void *tree;                                 // of struct lru_entry, tsearch(3)
    TAILQ_HEAD(lru_entries, lru_entry) entries; // used last first
};

// `idle` NULL: every entry may make room.
void lru_init(struct lru *lru, size_t most, lru_idle_fn *idle, lru_free_fn *free);
// Frees all entries.
void lru_clear(struct lru *lru);

// NULL: there is none. Finding is no use.
struct lru_entry *lru_find(const struct lru *lru, struct bytes key);
// Makes room for one entry more where the table is full. False: no entry is idle.
bool lru_make_room(struct lru *lru);
// Adds an entry, used now; its key (copied) is not there yet. Makes room where it can: the table grows beyond its bound
// while no entry is idle, so an owner that cannot have this asks lru_make_room first.
void lru_add(struct lru *lru, struct lru_entry *entry, struct bytes key);
// The entry is used now.
void lru_use(struct lru *lru, struct lru_entry *entry);
// Removes the entry and frees it.
void lru_drop(struct lru *lru, struct lru_entry *entry);

// Goes through the entries, used last first or longest ago first; none may be dropped on the way.
#define LRU_FOREACH(entry, lru)              TAILQ_FOREACH(entry, &(lru)->entries, link)
#define LRU_FOREACH_OLDEST_FIRST(entry, lru) TAILQ_FOREACH_REVERSE(entry, &(lru)->entries, lru_entries, link)
// The entry used last; NULL: there is none.
static inline struct lru_entry *lru_first(const struct lru *lru)
{
    return TAILQ_FIRST(&lru->entries);
}
// The one used before it; NULL: it was the last.
static inline struct lru_entry *lru_next(const struct lru_entry *entry)
{
    return TAILQ_NEXT(entry, link);
}

#endif
