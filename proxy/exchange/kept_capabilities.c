#include "kept_capabilities.h"

#include <sys/queue.h>

#include "loop.h"
#include "mem.h"
#include "operation.h"
#include "text.h"

// A workspace that fetches hundreds of dependencies; at 4 KiB (CAPABILITIES_SIZE_MAX) and a key of 400 bytes, 1.1 MiB.
#define ENTRIES_MAX 256

struct kept_entry {
    TAILQ_ENTRY(kept_entry) used; // last used first
    struct mono until;
    char *key;
    char *body;
    size_t size;
};

struct kept_capabilities {
    struct loop *loop;
    int64_t keep_ms;
    TAILQ_HEAD(kept_entries, kept_entry) entries;
    size_t count;
};

struct kept_capabilities *kept_capabilities_new(struct loop *loop, int64_t keep_ms)
{
    struct kept_capabilities *kept = mem_alloc_zero(1, sizeof(*kept));

    kept->loop = loop;
    kept->keep_ms = keep_ms;
    TAILQ_INIT(&kept->entries);
    return kept;
}

static void drop(struct kept_capabilities *kept, struct kept_entry *entry)
{
    TAILQ_REMOVE(&kept->entries, entry, used);
    kept->count--;
    mem_free(entry->key);
    mem_free(entry->body);
    mem_free(entry);
}

void kept_capabilities_free(struct kept_capabilities *kept)
{
    struct kept_entry *entry;

    if (!kept)
        return;
    while ((entry = TAILQ_FIRST(&kept->entries)))
        drop(kept, entry);
    mem_free(kept);
}

// Names hold no line end, and a field's value neither.
static void put_repository(struct text *key, const struct operation *operation)
{
    text_format(key, "%s\n%s/%s\n", operation->host->web, operation->repository.owner, operation->repository.name);
}

static void put_question(struct text *key, const struct kept_question *question)
{
    put_repository(key, question->operation);
    text_format(key, "%s\n%s\n", question->operation->wiki ? "wiki" : "", question->anonymous ? "anonymous" : "");
    text_append_bytes(key, question->git_protocol);
}

// Few are kept, and a comparison mostly ends at the repository's name: 256 take some microseconds.
static struct kept_entry *find(struct kept_capabilities *kept, const char *key)
{
    struct kept_entry *entry, *next;

    for (entry = TAILQ_FIRST(&kept->entries); entry; entry = next) {
        next = TAILQ_NEXT(entry, used);
        if (loop_now(kept->loop).ms >= entry->until.ms)
            drop(kept, entry);
        else if (strcmp(entry->key, key) == 0)
            return entry;
    }
    return NULL;
}

struct bytes kept_capabilities_find(struct kept_capabilities *kept, const struct kept_question *question)
{
    struct text key = {0};
    struct kept_entry *entry;

    put_question(&key, question);
    entry = find(kept, text_string(&key));
    text_free(&key);
    if (!entry)
        return BYTES("");
    TAILQ_REMOVE(&kept->entries, entry, used);
    TAILQ_INSERT_HEAD(&kept->entries, entry, used);
    return bytes_of(entry->body, entry->size);
}

void kept_capabilities_put(struct kept_capabilities *kept, const struct kept_question *question, struct bytes body)
{
    struct kept_entry *entry = mem_alloc_zero(1, sizeof(*entry)), *old;
    struct text key = {0};

    put_question(&key, question);
    entry->key = mem_string(text_string(&key));
    text_free(&key);
    if ((old = find(kept, entry->key)))
        drop(kept, old);
    if (kept->count == ENTRIES_MAX)
        drop(kept, TAILQ_LAST(&kept->entries, kept_entries));
    entry->until.ms = loop_now(kept->loop).ms + kept->keep_ms;
    entry->body = mem_alloc(body.size);
    entry->size = body.size;
    memcpy(entry->body, body.data, body.size);
    TAILQ_INSERT_HEAD(&kept->entries, entry, used);
    kept->count++;
}

void kept_capabilities_drop(struct kept_capabilities *kept, const struct operation *operation)
{
    struct kept_entry *entry, *next;
    struct text front = {0};

    put_repository(&front, operation);
    for (entry = TAILQ_FIRST(&kept->entries); entry; entry = next) {
        next = TAILQ_NEXT(entry, used);
        if (bytes_start_with(bytes_of_string(entry->key), text_bytes(&front)))
            drop(kept, entry);
    }
    text_free(&front);
}
