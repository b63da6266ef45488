#include "rule_json.h"

#include "quantity.h"
#include "text.h"

static void add_key(struct text *text, const char *key)
{
    text_format(text, ",\"%s\":", key);
}

static void add_flag(struct text *text, const char *key, bool flag)
{
    add_key(text, key);
    text_append(text, flag ? "true" : "false");
}

static void add_list(struct text *text, const char *key, char *const *items, size_t count)
{
    add_key(text, key);
    for (size_t i = 0; i < count; i++) {
        text_append_char(text, i == 0 ? '[' : ',');
        text_append_json_string(text, bytes_of_string(items[i]));
    }
    text_append_char(text, ']');
}

static void add_refs(struct text *text, const char *key, const struct ref_set *set)
{
    if (set->kind == REF_SET_PATTERNS)
        add_list(text, key, set->patterns, set->count);
    else if (set->kind == REF_SET_ALL)
        add_flag(text, key, true);
}

static void add_permissions(struct text *text, const struct permissions *permissions)
{
    add_key(text, "permissions");
    for (size_t i = 0; i < permissions->count; i++)
        text_format(text, "%c\"%s\":\"%s\"", i == 0 ? '{' : ',', permissions->items[i].name,
                    permission_level_name(permissions->items[i].level));
    text_append_char(text, '}');
}

void rule_json_append(const struct rule *rule, struct text *text)
{
    char size[QUANTITY_TEXT_SIZE];

    text_append(text, "{\"match\":");
    text_append_json_string(text, bytes_of_string(rule->match));
    if (rule->fetch)
        add_flag(text, "fetch", true);
    add_refs(text, "push", &rule->push);
    add_refs(text, "delete", &rule->delete);
    if (rule->permissions.count > 0)
        add_permissions(text, &rule->permissions);
    if (rule->graphql)
        add_flag(text, "graphql", true);
    if (rule->paths)
        add_list(text, "paths", rule->paths, rule->path_count);
    if (!rule->create)
        add_flag(text, "create", false);
    if (rule->max_pack) {
        quantity_format_size(rule->max_pack, size);
        text_format(text, ",\"max_pack\":\"%s\"", size);
    }
    if (rule->accept_bypass)
        add_flag(text, "accept_bypass", true);
    text_append_char(text, '}');
}
