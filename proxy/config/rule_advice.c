#include "rule_advice.h"

#include <jansson.h>
#include <string.h>

#include "rule_draft.h"

// The index of the rule that decided; the count: none did.
static size_t find_rule(const struct config *config, const char *match)
{
    size_t i = 0;

    while (i < config->rules.count && (!match || strcmp(config->rules.rules[i].match, match) != 0))
        i++;
    return i;
}

static void append_place(const struct config *config, const char *match, struct text *text)
{
    size_t at = find_rule(config, match);
    bool found = at < config->rules.count;

    text_append(text, ",\"advice\":{\"file\":");
    text_append_json_string(text, bytes_of_string(config->path ? config->path : ""));
    if (config->rule_lines && config->rules.count > 0)
        text_format(text, ",\"line\":%d", config->rule_lines[found ? at : config->rules.count - 1]);
    if (found) {
        text_append(text, ",\"rule\":");
        text_append_json_string(text, bytes_of_string(match));
    }
}

void rule_advice_append(const struct config *config, struct bytes event, struct text *text)
{
    json_t *object = json_loadb(event.data, event.size, 0, NULL);
    const char *decision = json_string_value(json_object_get(object, "decision"));
    struct rule_draft *draft;
    struct text yaml = {0};

    if (decision && strcmp(decision, "deny") == 0) {
        draft = rule_draft_new();
        if (rule_draft_add(draft, event))
            rule_draft_append(draft, &yaml);
        rule_draft_free(draft);
        if (yaml.size > 0 && (strstr(text_string(&yaml), "match:") || strstr(text_string(&yaml), "other_hosts:"))) {
            append_place(config, json_string_value(json_object_get(object, "rule")), text);
            text_append(text, ",\"yaml\":");
            text_append_json_string(text, text_bytes(&yaml));
            text_append_char(text, '}');
        }
    }
    text_free(&yaml);
    json_decref(object);
}
