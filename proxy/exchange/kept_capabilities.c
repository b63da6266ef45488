#include "kept_capabilities.h"

#include "loop.h"
#include "lru.h"
#include "mem.h"
#include "operation.h"
#include "text.h"

// A workspace that fetches hundreds of dependencies; at 4 KiB (CAPABILITIES_SIZE_MAX) and a key of 400 bytes, 1.1 MiB.
#define ENTRIES_MAX 256

struct kept_entry {
    struct lru_entry entry; // first
    struct mono until;
    char *body;
    size_t size;
};

struct kept_capabilities {
    struct loop *loop;
    int64_t keep_ms;
    struct lru entries; // of struct kept_entry, by the question
};

static void kept_entry_free(struct lru_entry *entry)
{
    mem_free(((struct kept_entry *)entry)->body);
    mem_free(entry);
}

struct kept_capabilities *kept_capabilities_new(struct loop *loop, int64_t keep_ms)
{
    struct kept_capabilities *kept = mem_alloc_zero(1, sizeof(*kept));

    kept->loop = loop;
    kept->keep_ms = keep_ms;
    lru_init(&kept->entries, ENTRIES_MAX, NULL, kept_entry_free);
    return kept;
}

void kept_capabilities_free(struct kept_capabilities *kept)
{
    if (!kept)
        return;
    lru_clear(&kept->entries);
    mem_free(kept);
}

// Names hold no line end, and a field's value neither.
static void put_repository(struct text *key, const struct operation *operation)
{
    char text[OPERATION_REPOSITORY_SIZE];
    struct bytes repository = operation_repository(operation, text);

    text_format(key, "%s\n%.*s\n", operation->host->web, (int)repository.size, repository.data);
}

static void put_question(struct text *key, const struct kept_question *question)
{
    put_repository(key, question->operation);
    text_format(key, "%s\n%s\n", question->operation->wiki ? "wiki" : "", question->anonymous ? "anonymous" : "");
    text_append_bytes(key, question->git_protocol);
}

// NULL: nothing is kept, or for too long.
static struct kept_entry *kept_find(struct kept_capabilities *kept, struct bytes key)
{
    struct kept_entry *found = (struct kept_entry *)lru_find(&kept->entries, key);

    if (!found || loop_now(kept->loop).ms < found->until.ms)
        return found;
    lru_drop(&kept->entries, &found->entry);
    return NULL;
}

struct bytes kept_capabilities_find(struct kept_capabilities *kept, const struct kept_question *question)
{
    struct text key = {0};
    struct kept_entry *found;

    put_question(&key, question);
    found = kept_find(kept, text_bytes(&key));
    text_free(&key);
    if (!found)
        return BYTES("");
    lru_use(&kept->entries, &found->entry);
    return bytes_of(found->body, found->size);
}

void kept_capabilities_put(struct kept_capabilities *kept, const struct kept_question *question, struct bytes body)
{
    struct kept_entry *put = mem_alloc_zero(1, sizeof(*put)), *old;
    struct text key = {0};

    put_question(&key, question);
    if ((old = kept_find(kept, text_bytes(&key))))
        lru_drop(&kept->entries, &old->entry);
    put->until.ms = loop_now(kept->loop).ms + kept->keep_ms;
    put->body = mem_alloc(body.size);
    put->size = body.size;
    memcpy(put->body, body.data, body.size);
    lru_add(&kept->entries, &put->entry, text_bytes(&key));
    text_free(&key);
}

bool kept_capabilities_drop(struct kept_capabilities *kept, const struct operation *operation)
{
    struct lru_entry *entry, *next;
    struct text front = {0};
    bool dropped = false;

    put_repository(&front, operation);
    for (entry = lru_first(&kept->entries); entry; entry = next) {
        next = lru_next(entry);
        if (!bytes_start_with(entry->key, text_bytes(&front)))
            continue;
        lru_drop(&kept->entries, entry);
        dropped = true;
    }
    text_free(&front);
    return dropped;
}
