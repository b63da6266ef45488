#include "repository_map.h"

#include <inttypes.h>
#include <stdio.h>

#include <gitlatch/git_host.h>

#include "clock.h"
#include "loop.h"
#include "lru.h"
#include "mem.h"

// About 1 MiB at the worst.
#define REPOSITORIES_MAX 4096
// A repository that is renamed is known by its new name after this. A decision made by an old name does no harm: the
// token is for what has that name.
#define KNOWN_MS HOUR_MS
// One that was not there may be made, or the App be given it.
#define MISSING_MS MINUTE_MS

struct known {
    struct lru_entry entry;      // first
    struct repository_name name; // "": missing
    struct mono until;
};

struct repository_map {
    struct loop *loop;
    struct lru known; // of struct known, by "id host"; learned is used
};

static void known_free(struct lru_entry *entry)
{
    mem_free(entry);
}

struct repository_map *repository_map_new(struct loop *loop)
{
    struct repository_map *map = mem_alloc_zero(1, sizeof(*map));

    map->loop = loop;
    lru_init(&map->known, REPOSITORIES_MAX, NULL, known_free);
    return map;
}

void repository_map_free(struct repository_map *map)
{
    lru_clear(&map->known);
    mem_free(map);
}

#define KNOWN_KEY_SIZE 300 // 20 digits and a host name

static struct bytes known_key(const char *host, uint64_t id, char buffer[static KNOWN_KEY_SIZE])
{
    snprintf(buffer, KNOWN_KEY_SIZE, "%" PRIu64 " %s", id, host);
    return bytes_of_string(buffer);
}

static void known_learn(struct lru *table, struct bytes key, const struct repository_name *name, struct mono until)
{
    struct known *known = (struct known *)lru_find(table, key);

    if (known) {
        lru_use(table, &known->entry);
    } else {
        known = mem_alloc_zero(1, sizeof(*known));
        lru_add(table, &known->entry, key);
    }
    known->name = *name;
    known->until = until;
}

void repository_map_learn(struct repository_map *map, const struct git_host *host,
                          const struct token_repository *repositories, size_t count)
{
    struct mono until = {loop_now(map->loop).ms + KNOWN_MS};
    char key[KNOWN_KEY_SIZE];

    for (size_t i = 0; i < count; i++) {
        if (repositories[i].id)
            known_learn(&map->known, known_key(host->web, repositories[i].id, key), &repositories[i].name, until);
    }
}

void repository_map_learn_missing(struct repository_map *map, const struct git_host *host, uint64_t id)
{
    static const struct repository_name missing;
    char key[KNOWN_KEY_SIZE];

    known_learn(&map->known, known_key(host->web, id, key), &missing,
                (struct mono){loop_now(map->loop).ms + MISSING_MS});
}

enum repository_map_result repository_map_find(const struct repository_map *map, const struct git_host *host,
                                               uint64_t id, struct repository_name *ret_name)
{
    char key[KNOWN_KEY_SIZE];
    const struct known *known = (const struct known *)lru_find(&map->known, known_key(host->web, id, key));

    if (!known || loop_now(map->loop).ms >= known->until.ms)
        return REPOSITORY_UNKNOWN;
    if (!*known->name.owner)
        return REPOSITORY_MISSING;
    *ret_name = known->name;
    return REPOSITORY_KNOWN;
}

void repository_map_adopt(struct repository_map *map, const struct repository_map *old)
{
    const struct lru_entry *entry;

    LRU_FOREACH_OLDEST_FIRST(entry, &old->known)
    {
        const struct known *known = (const struct known *)entry;

        known_learn(&map->known, entry->key, &known->name, known->until);
    }
}
