#include "advice_log.h"

#include <jansson.h>

#include "audit_ring.h"
#include "log.h"
#include "loop.h"
#include "lru.h"
#include "mem.h"
#include "pace.h"
#include "rule_advice.h"
#include "text.h"

#define AGAIN_MS HOUR_MS
// More kinds than an operator reads.
#define KINDS_MAX 256

static const struct pace_rate rate = {.interval_ms = 6 * SECOND_MS, .burst = 20};

// What was logged.
struct advised {
    struct lru_entry entry; // first; the key is the YAML
    struct mono until;
};

struct advice_log {
    struct loop *loop;
    struct config *const *config;
    struct audit_ring_watch watch;
    struct lru advised; // of struct advised
    struct pace pace;
};

static bool advised_is_idle(const struct lru_entry *entry)
{
    return true;
}

static void advised_free(struct lru_entry *entry)
{
    mem_free((struct advised *)entry);
}

static bool is_due(struct advice_log *log, const char *yaml)
{
    struct advised *advised = (struct advised *)lru_find(&log->advised, bytes_of_string(yaml));
    struct mono now = loop_now(log->loop);

    if (advised && now.ms < advised->until.ms)
        return false;
    if (!pace_take(&log->pace, &rate, now))
        return false;
    if (!advised) {
        advised = mem_alloc_zero(1, sizeof(*advised));
        lru_add(&log->advised, &advised->entry, bytes_of_string(yaml));
    }
    advised->until.ms = now.ms + AGAIN_MS;
    return true;
}

static void write_advice(struct advice_log *log, json_t *advice, json_t *event)
{
    const char *yaml = json_string_value(json_object_get(advice, "yaml"));
    const char *rule = json_string_value(json_object_get(advice, "rule"));
    const char *reason = json_string_value(json_object_get(event, "reason"));
    json_int_t line = json_integer_value(json_object_get(advice, "line"));
    struct text one_line = {0};

    if (!yaml || !is_due(log, yaml))
        return;
    for (const char *at = yaml; *at; at++) {
        if (*at != '\n')
            text_append_char(&one_line, *at);
        else if (at[1])
            text_append(&one_line, "\\n");
    }
    log_info("rules", "request %s was refused (%s); what would allow it, %s %s line %lld: %s",
             json_string_value(json_object_get(event, "id")), reason ? reason : "",
             rule ? "before the rule at" : "after the rules at", json_string_value(json_object_get(advice, "file")),
             (long long)line, text_string(&one_line));
    text_free(&one_line);
}

static void on_event(void *arg, uint64_t number, struct bytes line)
{
    struct advice_log *log = arg;
    struct text text = {0}, object = {0};

    if (!log_enabled(LOG_INFO))
        return;
    rule_advice_append(*log->config, line, &text); // `,"advice":{…}`
    if (text.size > 0) {
        text_format(&object, "{%s}", text_string(&text) + 1);
        json_t *json = json_loadb(object.data, object.size, 0, NULL);
        json_t *event = json_loadb(line.data, line.size, 0, NULL);

        write_advice(log, json_object_get(json, "advice"), event);
        json_decref(event);
        json_decref(json);
    }
    text_free(&object);
    text_free(&text);
}

struct advice_log *advice_log_new(struct loop *loop, struct config *const *config)
{
    struct advice_log *log = mem_alloc_zero(1, sizeof(*log));

    log->loop = loop;
    log->config = config;
    log->watch = (struct audit_ring_watch){.fn = on_event, .arg = log};
    lru_init(&log->advised, KINDS_MAX, advised_is_idle, advised_free);
    audit_ring_watch(&log->watch);
    return log;
}

void advice_log_free(struct advice_log *log)
{
    if (!log)
        return;
    audit_ring_unwatch(&log->watch);
    lru_clear(&log->advised);
    mem_free(log);
}
