#include "config_schema.h"

#include <jansson.h>
#include <stdlib.h>

#include "config_reference.h"
#include "config_table.h"
#include "setting_type.h"

static json_t *object_schema(const struct setting_table *table);

static json_t *words_schema(const char *const *words)
{
    json_t *list = json_array();

    for (size_t i = 0; words[i]; i++)
        json_array_append_new(list, json_string(words[i]));
    return json_pack("{s:o}", "enum", list);
}

static json_t *list_schema(const struct setting_entries *entries)
{
    json_t *entry = object_schema(&entries->table);

    if (entries->short_key)
        entry = json_pack("{s:[{s:s},o]}", "anyOf", "type", "string", entry);
    if (!entries->single)
        return json_pack("{s:s,s:o}", "type", "array", "items", entry);
    return json_pack("{s:[{s:s,s:i,s:O},o]}", "anyOf", "type", "array", "minItems", 1, "items", entry, entry);
}

static json_t *value_schema(const struct setting *setting)
{
    if (setting->type == &setting_list)
        return list_schema(setting->detail);
    if (setting->type == &setting_word)
        return words_schema(setting->detail);
    if (setting->type == &setting_section)
        return json_pack("{s:s,s:b,s:{}}", "type", "object", "additionalProperties", 0, "properties");
    return json_loads(setting->type->schema, 0, NULL);
}

static void set_text(json_t *schema, const struct setting *setting)
{
    struct text text = {0};

    config_reference_text(setting, &text);
    if (setting->fallback)
        text_format(&text, " (default: %s)", setting->fallback);
    json_object_set_new(schema, "description", json_string(text_string(&text)));
    text_free(&text);
}

// The `properties` in which a dotted key's last word stands: those of its section, which is made where the table has no
// row for it. `ret_name` is the last word.
static json_t *find_properties(json_t *properties, const char *key, struct bytes *ret_name)
{
    struct bytes rest = bytes_of_string(key), section, below;

    while (bytes_cut(rest, '.', &section, &below)) {
        json_t *schema = json_object_getn(properties, section.data, section.size);

        if (!schema) {
            schema = json_pack("{s:s,s:b,s:{}}", "type", "object", "additionalProperties", 0, "properties");
            json_object_setn_new(properties, section.data, section.size, schema);
        }
        properties = json_object_get(schema, "properties");
        rest = below;
    }
    *ret_name = rest;
    return properties;
}

static json_t *object_schema(const struct setting_table *table)
{
    json_t *properties = json_object();

    for (size_t i = 0; i < table->count; i++) {
        const struct setting *setting = &table->rows[i];
        json_t *schema = value_schema(setting);
        struct bytes name;
        json_t *place = find_properties(properties, setting->key, &name);

        set_text(schema, setting);
        json_object_setn_new(place, name.data, name.size, schema);
    }
    return json_pack("{s:s,s:b,s:o}", "type", "object", "additionalProperties", 0, "properties", properties);
}

void config_schema_print(struct text *text)
{
    json_t *schema = object_schema(&config_table);
    char *dump;

    json_object_set_new(schema, "$schema", json_string("https://json-schema.org/draft/2020-12/schema"));
    json_object_set_new(schema, "title", json_string("gitlatch configuration"));
    dump = json_dumps(schema, JSON_INDENT(2) | JSON_SORT_KEYS);
    text_append(text, dump);
    text_append_char(text, '\n');
    free(dump);
    json_decref(schema);
}
