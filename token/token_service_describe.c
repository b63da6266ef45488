#include <string.h>

#include "text.h"
#include "token_service_parts.h"

static void append_string(struct text *text, const char *key, const char *value)
{
    text_format(text, ",\"%s\":", key);
    text_append_json_string(text, bytes_of_string(value));
}

static const char *state_of(const struct cache_summary *summary)
{
    if (summary->failure.reason != REASON_NONE)
        return summary->failure.sentence;
    if (summary->tokens)
        return "serving";
    return summary->failing ? "no token yet" : "not asked lately";
}

static void append_failed(struct text *text, const struct cache_summary *summary)
{
    struct text label = {0};

    mint_scope_label(summary->failed, &label);
    append_string(text, "failing_for", text_string(&label));
    append_string(text, "failing_because", summary->failed_sentence);
    text_free(&label);
}

static void append_source(struct text *text, const struct token_service *service, const struct source *source)
{
    struct cache_summary summary;

    cache_summarize(service->cache, source, &summary);
    text_append(text, "{\"source\":");
    text_append_json_string(text, bytes_of_string(source_id_name(source->id)));
    append_string(text, "type", source->id.kind->names[0]);
    append_string(text, "host", source->host->web);
    append_string(text, "state", state_of(&summary));
    text_format(text, ",\"wide\":%s,\"tokens\":%zu,\"failing\":%zu", source->id.kind->narrow ? "false" : "true",
                summary.tokens, summary.failing);
    if (summary.failed)
        append_failed(text, &summary);
    if (summary.first_end.ms != WALL_NEVER.ms) {
        char end[WALL_TEXT_SIZE];
        wall_format_rfc3339(summary.first_end, WALL_SECONDS, end);
        append_string(text, "first_expires_at", end);
    }
    text_append_char(text, '}');
}

void token_service_describe(const struct token_service *service, struct text *text)
{
    text_append_char(text, '[');
    for (size_t i = 0; i < service->source_count; i++) {
        if (i)
            text_append_char(text, ',');
        append_source(text, service, service->sources[i]);
    }
    text_append_char(text, ']');
}
