#include "repository_map.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include <gitlatch/github_host.h>

#include "clock.h"
#include "loop.h"
#include "mem.h"

// About 1 MiB at the worst.
#define REPOSITORIES_MAX 4096
// A repository that is renamed is known by its new name after this. A decision made by an old name does no harm: the
// token is for what has that name.
#define KNOWN_MS HOUR_MS
// One that was not there may be made, or the App be given it.
#define MISSING_MS MINUTE_MS

struct known {
    uint64_t id;                 // the first two tell it from others
    const char *host;            // of the bytes at the end, or of a key
    TAILQ_ENTRY(known) link;     // learned last first
    struct repository_name name; // "": missing
    struct mono until;
    char text[];
};

struct repository_map {
    struct loop *loop;
    void *tree; // of struct known, tsearch(3)
    TAILQ_HEAD(known_list, known) list;
    size_t count;
};

static int compare(const void *a, const void *b)
{
    const struct known *left = a, *right = b;

    if (left->id != right->id)
        return left->id < right->id ? -1 : 1;
    return strcmp(left->host, right->host);
}

struct repository_map *repository_map_new(struct loop *loop)
{
    struct repository_map *map = mem_alloc_zero(1, sizeof(*map));

    map->loop = loop;
    TAILQ_INIT(&map->list);
    return map;
}

static void known_free(struct repository_map *map, struct known *known)
{
    tdelete(known, &map->tree, compare);
    TAILQ_REMOVE(&map->list, known, link);
    map->count--;
    mem_free(known);
}

void repository_map_free(struct repository_map *map)
{
    struct known *known;

    while ((known = TAILQ_FIRST(&map->list)))
        known_free(map, known);
    mem_free(map);
}

static struct known *find(const struct repository_map *map, const char *host, uint64_t id)
{
    struct known wanted = {.id = id, .host = host};
    void *found = tfind(&wanted, &map->tree, compare);

    return found ? *(struct known **)found : NULL;
}

static void learn(struct repository_map *map, const char *host, uint64_t id, const struct repository_name *name,
                  struct mono until)
{
    struct known *known = find(map, host, id);

    if (known) {
        TAILQ_REMOVE(&map->list, known, link);
    } else {
        if (map->count == REPOSITORIES_MAX)
            known_free(map, TAILQ_LAST(&map->list, known_list));
        known = mem_alloc_zero(1, sizeof(*known) + strlen(host) + 1);
        known->id = id;
        memcpy(known->text, host, strlen(host));
        known->host = known->text;
        map->count++;
        if (!tsearch(known, &map->tree, compare))
            abort(); // memory ran out
    }
    known->name = *name;
    known->until = until;
    TAILQ_INSERT_HEAD(&map->list, known, link);
}

void repository_map_learn(struct repository_map *map, const struct github_host *host,
                          const struct token_repository *repositories, size_t count)
{
    struct mono until = {loop_now(map->loop).ms + KNOWN_MS};

    for (size_t i = 0; i < count; i++) {
        if (repositories[i].id)
            learn(map, host->web, repositories[i].id, &repositories[i].name, until);
    }
}

void repository_map_learn_missing(struct repository_map *map, const struct github_host *host, uint64_t id)
{
    static const struct repository_name missing;

    learn(map, host->web, id, &missing, (struct mono){loop_now(map->loop).ms + MISSING_MS});
}

enum repository_map_result repository_map_find(const struct repository_map *map, const struct github_host *host,
                                               uint64_t id, struct repository_name *ret_name)
{
    const struct known *known = find(map, host->web, id);

    if (!known || loop_now(map->loop).ms >= known->until.ms)
        return REPOSITORY_UNKNOWN;
    if (!*known->name.owner)
        return REPOSITORY_MISSING;
    *ret_name = known->name;
    return REPOSITORY_KNOWN;
}

void repository_map_adopt(struct repository_map *map, const struct repository_map *old)
{
    const struct known *known;

    TAILQ_FOREACH_REVERSE(known, &old->list, known_list, link)
        learn(map, known->host, known->id, &known->name, known->until);
}
