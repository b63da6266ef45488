#include "refusals.h"

#include <string.h>

#include "mem.h"

void refusals_init(struct refusals *refusals)
{
    refusals->count = 0;
    TAILQ_INIT(&refusals->list);
}

void refusals_clear(struct refusals *refusals)
{
    while (refusals->count > 0)
        refusals_drop(refusals);
}

// "[::1]:443" is "[::1]": each connection has another port.
static struct bytes without_port(const char *client)
{
    const char *colon = strrchr(client, ':');

    return colon ? bytes_of(client, (size_t)(colon - client)) : bytes_of_string(client);
}

static struct refusal *refusals_find(const struct refusals *refusals, struct bytes client, enum reason reason)
{
    struct refusal *refusal;

    TAILQ_FOREACH(refusal, &refusals->list, link) {
        if (refusal->reason == reason && bytes_equal(bytes_of_string(refusal->client), client))
            return refusal;
    }
    return NULL;
}

bool refusals_add(struct refusals *refusals, const char *client, enum reason reason, struct bytes line)
{
    struct bytes host = without_port(client);
    struct refusal *refusal = refusals_find(refusals, host, reason);

    if (refusal) {
        refusal->count++;
        return true;
    }
    if (refusals->count == REFUSALS_MAX || line.size > REFUSALS_LINE_MAX)
        return false;
    refusal = mem_alloc(sizeof(*refusal));
    *refusal = (struct refusal){
        .client = mem_bytes_string(host), .reason = reason, .count = 1, .line = mem_bytes_string(line)};
    TAILQ_INSERT_TAIL(&refusals->list, refusal, link);
    refusals->count++;
    return true;
}

const struct refusal *refusals_first(const struct refusals *refusals)
{
    return TAILQ_FIRST(&refusals->list);
}

void refusal_append(const struct refusal *refusal, struct text *text)
{
    struct bytes line = bytes_of_string(refusal->line);

    if (refusal->count == 1) {
        text_append_bytes(text, line);
        return;
    }
    text_append_bytes(text, bytes_of(line.data, line.size - 1));
    text_format(text, ",\"repeated\":%llu}", (unsigned long long)refusal->count);
}

void refusals_drop(struct refusals *refusals)
{
    struct refusal *refusal = TAILQ_FIRST(&refusals->list);

    TAILQ_REMOVE(&refusals->list, refusal, link);
    refusals->count--;
    mem_free(refusal->client);
    mem_free(refusal->line);
    mem_free(refusal);
}
