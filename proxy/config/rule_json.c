#include "rule_json.h"

#include "quantity.h"
#include "text.h"

// One function for each type of rule.h. It appends the key and its value, or nothing where the value is the default.

static void add_key(struct text *text, const char *key)
{
    text_format(text, ",\"%s\":", key);
}

static void add_flag(struct text *text, const char *key, const bool *flag, const char *fallback)
{
    const char *word = *flag ? "true" : "false";

    if (strcmp(word, fallback) == 0)
        return;
    add_key(text, key);
    text_append(text, word);
}

static void rule_json_add_list(struct text *text, const char *key, char *const *items, size_t count)
{
    add_key(text, key);
    for (size_t i = 0; i < count; i++) {
        text_append_char(text, i == 0 ? '[' : ',');
        text_append_json_string(text, bytes_of_string(items[i]));
    }
    text_append_char(text, ']');
}

static void add_refs(struct text *text, const char *key, const struct ref_set *set, const char *fallback)
{
    if (set->kind == REF_SET_PATTERNS)
        rule_json_add_list(text, key, set->patterns, set->count);
    else
        add_flag(text, key, &(bool){set->kind == REF_SET_ALL}, fallback);
}

static void add_paths(struct text *text, const char *key, const struct path_set *set, const char *fallback)
{
    if (set->patterns)
        rule_json_add_list(text, key, set->patterns, set->count);
}

static void rule_json_add_permissions(struct text *text, const char *key, const struct permissions *permissions,
                                      const char *fallback)
{
    if (permissions->count == 0)
        return;
    add_key(text, key);
    for (size_t i = 0; i < permissions->count; i++)
        text_format(text, "%c\"%s\":\"%s\"", i == 0 ? '{' : ',', permissions->items[i].name,
                    permission_level_name(permissions->items[i].level));
    text_append_char(text, '}');
}

static void add_limit(struct text *text, const char *key, const uint64_t *limit, const char *fallback)
{
    char size[QUANTITY_TEXT_SIZE];

    if (*limit == 0)
        return;
    quantity_format_size(*limit, size);
    text_format(text, ",\"%s\":\"%s\"", key, size);
}

// Stands before all others, for people.
static void add_match(struct text *text, const char *key, char *const *match, const char *fallback)
{
}

#define ADD_match       add_match
#define ADD_flag        add_flag
#define ADD_own_flag    add_flag
#define ADD_refs        add_refs
#define ADD_paths       add_paths
#define ADD_permissions rule_json_add_permissions
#define ADD_limit       add_limit

void rule_json_append(const struct rule *rule, struct text *text)
{
    text_append(text, "{\"match\":");
    text_append_json_string(text, bytes_of_string(rule->match));
#define ADD(name, type, bound, fallback, description) ADD_##type(text, #name, &rule->name, fallback);
    RULE_KEYS(ADD)
#undef ADD
    text_append_char(text, '}');
}
