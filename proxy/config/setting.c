#include "setting.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "suggestion.h"

// More rows than any table has; setting_table_read asserts it.
#define ROWS_MAX 96
// The longest key of the tables, "broker.kubernetes.token_file", has 28 characters.
#define KEY_SIZE 64

const struct setting_type setting_section = {.name = "section", .expected = "a mapping of keys to values"};

// One table being filled: which rows the file named.
struct filling {
    const struct setting_table *table;
    struct yaml_reader *reader;
    void *base;
    bool seen[ROWS_MAX];
};

static int compare_key(const void *key, const void *row)
{
    return strcmp(key, ((const struct setting *)row)->key);
}

const struct setting *setting_find(const struct setting_table *table, const char *key)
{
    return bsearch(key, table->rows, table->count, sizeof(*table->rows), compare_key);
}

// The last part of a row's key, where the row is right below `prefix` ("limits." or ""); NULL: it is
// elsewhere.
static const char *name_below(const struct setting *row, const char *prefix)
{
    size_t size = strlen(prefix);

    if (strncmp(row->key, prefix, size) != 0 || strchr(row->key + size, '.'))
        return NULL;
    return row->key + size;
}

static bool refuse_unknown(struct filling *filling, const yaml_node_t *key, const char *prefix)
{
    struct suggestion suggestion;
    char known[512] = "";

    suggestion_init(&suggestion, bytes_of_string((const char *)key->data.scalar.value));
    for (size_t i = 0; i < filling->table->count; i++) {
        const char *name = name_below(&filling->table->rows[i], prefix);
        size_t used = strlen(known);

        if (!name)
            continue;
        suggestion_offer(&suggestion, name);
        snprintf(known + used, sizeof(known) - used, "%s%s", used ? ", " : "", name);
    }
    if (suggestion.nearest)
        return yaml_reader_refuse(filling->reader, key, "unknown key; did you mean \"%s\"?", suggestion.nearest);
    return yaml_reader_refuse(filling->reader, key, "unknown key; known here are %s", known);
}

static bool read_mapping(struct filling *filling, const yaml_node_t *node, const char *prefix);

static bool read_value(struct filling *filling, const struct setting *row, const yaml_node_t *value)
{
    char prefix[KEY_SIZE];

    if (row->type != &setting_section)
        return row->type->read(filling->reader, value, row, filling->base);
    snprintf(prefix, sizeof(prefix), "%s.", row->key);
    return read_mapping(filling, value, prefix);
}

static bool setting_read_pair(struct filling *filling, const yaml_node_t *key, const yaml_node_t *value,
                              const char *prefix)
{
    const struct setting *row;
    char name[KEY_SIZE];
    size_t index;

    snprintf(name, sizeof(name), "%s%s", prefix, (const char *)key->data.scalar.value);
    row = setting_find(filling->table, name);
    // A key that holds a dot or a NUL byte could name a row further below, or one that it only begins with.
    if (!row || strlen(name) != strlen(prefix) + key->data.scalar.length || !name_below(row, prefix))
        return refuse_unknown(filling, key, prefix);
    index = (size_t)(row - filling->table->rows);
    if (filling->seen[index])
        return yaml_reader_refuse(filling->reader, key, "is given twice; keep one");
    filling->seen[index] = true;
    return read_value(filling, row, value);
}

static bool read_mapping(struct filling *filling, const yaml_node_t *node, const char *prefix)
{
    struct yaml_reader *reader = filling->reader;

    if (node->type != YAML_MAPPING_NODE)
        return yaml_reader_refuse_type(reader, node, setting_section.expected);
    for (const yaml_node_pair_t *pair = node->data.mapping.pairs.start; pair < node->data.mapping.pairs.top; pair++) {
        const yaml_node_t *key = yaml_reader_node(reader, pair->key);
        size_t mark;
        bool ok;

        if (key->type != YAML_SCALAR_NODE)
            return yaml_reader_refuse(reader, key, "a key must be a name");
        mark = yaml_reader_enter(reader, bytes_of_string((const char *)key->data.scalar.value));
        ok = setting_read_pair(filling, key, yaml_reader_node(reader, pair->value), prefix);
        yaml_reader_leave(reader, mark);
        if (!ok)
            return false;
    }
    return true;
}

bool setting_read_string(struct yaml_reader *reader, const struct setting *setting, const char *yaml, void *base)
{
    struct yaml_reader inner;
    bool ok;

    if (!yaml_reader_open(&inner, reader->file, bytes_of_string(yaml), reader->error))
        return false;
    memcpy(inner.path, reader->path, sizeof(inner.path));
    ok = setting->type->read(&inner, yaml_reader_root(&inner), setting, base);
    yaml_reader_close(&inner);
    return ok;
}

static bool set_defaults(struct filling *filling)
{
    const struct setting *row = filling->table->rows;

    for (size_t i = 0; i < filling->table->count; i++, row++) {
        size_t mark;
        bool ok;

        if (filling->seen[i] || !row->fallback)
            continue;
        mark = yaml_reader_enter(filling->reader, bytes_of_string(row->key));
        ok = setting_read_string(filling->reader, row, row->fallback, filling->base);
        yaml_reader_leave(filling->reader, mark);
        if (!ok)
            return false;
    }
    return true;
}

bool setting_table_read(const struct setting_table *table, struct yaml_reader *reader, const yaml_node_t *node,
                        void *base)
{
    struct filling filling = {.table = table, .reader = reader, .base = base};

    if (table->count > ROWS_MAX)
        abort();
    return (!node || read_mapping(&filling, node, "")) && set_defaults(&filling);
}

void setting_table_clear(const struct setting_table *table, void *base)
{
    for (size_t i = 0; i < table->count; i++) {
        const struct setting *row = &table->rows[i];
        if (row->type->clear)
            row->type->clear(row, base);
    }
}
