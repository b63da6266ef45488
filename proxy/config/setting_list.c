#include "setting_type.h"

#include "mem.h"

static bool read_entry(struct yaml_reader *reader, const yaml_node_t *node, const struct setting_entries *entries,
                       void *entry)
{
    const struct setting *row;

    if (node->type == YAML_SCALAR_NODE && entries->short_key) {
        // The defaults first, then the one value.
        row = setting_find(&entries->table, entries->short_key);
        if (!setting_table_read(&entries->table, reader, NULL, entry) || !row->type->read(reader, node, row, entry))
            return false;
    } else if (!setting_table_read(&entries->table, reader, node, entry)) {
        return false;
    }
    return !entries->finish || entries->finish(reader, node, entry);
}

static bool read_entries(struct yaml_reader *reader, const yaml_node_t *node, const struct setting_entries *entries,
                         size_t count, char *items, int *lines)
{
    bool listed = node->type == YAML_SEQUENCE_NODE;

    for (size_t i = 0; i < count; i++) {
        const yaml_node_t *entry = listed ? yaml_reader_entry(reader, node, i) : node;
        size_t mark = listed ? yaml_reader_enter_entry(reader, i) : strlen(reader->path);

        if (lines)
            lines[i] = (int)entry->start_mark.line + 1;
        if (!read_entry(reader, entry, entries, items + i * entries->size))
            return false;
        yaml_reader_leave(reader, mark);
    }
    return true;
}

static bool read_list(struct yaml_reader *reader, const yaml_node_t *node, const struct setting *setting, void *base)
{
    const struct setting_entries *entries = setting->detail;
    char **items = setting_field(setting, base);
    int **lines = (int **)((char *)base + entries->lines);
    size_t *count = (size_t *)((char *)base + entries->count);
    size_t wanted = 1;

    if ((node->type == YAML_SEQUENCE_NODE || !entries->single) &&
        !yaml_reader_list(reader, node, entries->expected, SETTING_ENTRIES_MAX, &wanted))
        return false;
    if (entries->single && wanted == 0)
        return yaml_reader_refuse(reader, node, "is empty; leave the key out for its default");
    *items = mem_alloc_zero(wanted, entries->size);
    *count = wanted;
    if (entries->lines)
        *lines = mem_alloc_zero(wanted, sizeof(**lines));
    return read_entries(reader, node, entries, wanted, *items, entries->lines ? *lines : NULL);
}

static void clear_list(const struct setting *setting, void *base)
{
    const struct setting_entries *entries = setting->detail;
    char **items = setting_field(setting, base);
    size_t *count = (size_t *)((char *)base + entries->count);

    for (size_t i = 0; i < *count; i++) {
        if (entries->discard)
            entries->discard(*items + i * entries->size);
        setting_table_clear(&entries->table, *items + i * entries->size);
    }
    mem_free(*items);
    *items = NULL;
    *count = 0;
    if (entries->lines) {
        int **lines = (int **)((char *)base + entries->lines);
        mem_free(*lines);
        *lines = NULL;
    }
}

const struct setting_type setting_list = {"list", "a list", read_list, clear_list};
