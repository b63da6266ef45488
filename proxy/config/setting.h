// A key of the configuration: its type, where its value goes, its default, and what it is for. From tables of
// these the file is read, the defaults are set, and the reference in the manual is printed.
#ifndef GITLATCH_SETTING_H
#define GITLATCH_SETTING_H

#include <stdbool.h>
#include <stddef.h>

#include <gitlatch/attr.h>

#include "yaml_reader.h"

struct setting;

struct setting_type {
    const char *name;     // for the reference: "duration"
    const char *expected; // for errors: "a duration such as 30s, 10m or 1h"
    // Reads the node into the structure at `base`. What it leaves there on failure can be cleared.
    bool (*read)(struct yaml_reader *reader, const yaml_node_t *node, const struct setting *setting, void *base);
    // Gives back what `read` allocated; NULL: it allocates nothing. A cleared or zero field is left alone.
    void (*clear)(const struct setting *setting, void *base);
    const char *schema; // of the value, in JSON Schema; NULL: config_schema.c makes it from the setting's `detail`
};

struct setting {
    const char *key; // dotted, "limits.idle"
    const struct setting_type *type;
    size_t offset;        // of the value in the structure that the table fills
    const char *fallback; // the default as the file would write it; NULL: absent is zero
    const void *detail;   // what the type wants to know more: bounds, words, the table of a list's entries
    const char *text;     // for the reference: one sentence or two
};

// Sorted by key.
struct setting_table {
    const struct setting *rows;
    size_t count;
};

#define SETTING_TABLE(rows) ((struct setting_table){rows, GL_ARRAY_SIZE(rows)})

// A key under which there are only further keys.
extern const struct setting_type setting_section;

// Reads a mapping into the structure at `base`, which is all zero, and sets the defaults of what it does not
// name. A NULL node is an empty mapping.
bool setting_table_read(const struct setting_table *table, struct yaml_reader *reader, const yaml_node_t *node,
                        void *base) GL_MUST_CHECK;
// Sets one key from its default, or from another text in the file's form.
bool setting_read_string(struct yaml_reader *reader, const struct setting *setting, const char *yaml, void *base)
    GL_MUST_CHECK;
// Gives back all that was read, and leaves zeros.
void setting_table_clear(const struct setting_table *table, void *base);
// The row of a key; NULL: there is none.
const struct setting *setting_find(const struct setting_table *table, const char *key);

// Where a setting's value is.
static inline void *setting_field(const struct setting *setting, void *base)
{
    return (char *)base + setting->offset;
}

#endif
