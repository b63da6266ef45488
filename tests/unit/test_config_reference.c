// The reference, the tables and the example configuration say the same.
#include "config_reference.h"

#include <stdio.h>
#include <string.h>

#include "cmocka_unit.h"
#include "config.h"
#include "config_table.h"
#include "mem.h"
#include "source_kinds.h"

// The example; with `all`, also what is commented out in it (a `#` that no single space follows).
static void read_example(struct text *text, bool all)
{
    FILE *file = fopen(EXAMPLE_CONFIG, "r");
    char line[1024];

    assert_non_null(file);
    while (fgets(line, sizeof(line), file)) {
        char *hash = line + strspn(line, " ");
        bool setting = *hash == '#' && (hash[1] != ' ' || hash[2] == ' ');

        // `listen` stands there twice, as one address and as a list.
        if (all && strncmp(line, "listen: ", 8) == 0)
            continue;
        if (all && setting)
            memmove(hash, hash + 1, strlen(hash));
        text_append(text, line);
    }
    fclose(file);
}

static void test_example(void **state)
{
    struct config *config;
    struct error error;

    for (int all = 0; all < 2; all++) {
        struct text text = {0};

        read_example(&text, all);
        if (!config_parse(text_bytes(&text), EXAMPLE_CONFIG, all ? CONFIG_FOR_BROKER : CONFIG_FOR_PROXY, &config,
                          &error))
            fail_msg("%s", error.text);
        config_unref(config);
        text_free(&text);
    }
}

// Appends a line for each key in a YAML tree, without the marks of lists.
static void list_keys(struct yaml_reader *reader, const yaml_node_t *node, const char *path, struct text *keys)
{
    if (node->type == YAML_SEQUENCE_NODE) {
        for (size_t i = 0; node->data.sequence.items.start + i < node->data.sequence.items.top; i++)
            list_keys(reader, yaml_reader_entry(reader, node, i), path, keys);
        return;
    }
    if (node->type != YAML_MAPPING_NODE)
        return;
    for (const yaml_node_pair_t *pair = node->data.mapping.pairs.start; pair < node->data.mapping.pairs.top; pair++) {
        const char *key = (const char *)yaml_reader_node(reader, pair->key)->data.scalar.value;
        char *below = mem_format("%s%s%s", path, *path ? "." : "", key);

        text_format(keys, "\n%s\n", below);
        list_keys(reader, yaml_reader_node(reader, pair->value), below, keys);
        mem_free(below);
    }
}

static void expect_key(void *arg, const char *key, const struct setting *setting)
{
    char *plain = mem_format("\n%s\n", key), *to = plain;

    for (const char *from = plain; *from; from++) {
        if (*from != '[' && *from != ']')
            *to++ = *from;
    }
    *to = '\0';
    if (!strstr(arg, plain))
        fail_msg("the example does not show %s", key);
    mem_free(plain);
}

static void test_example_is_complete(void **state)
{
    struct text text = {0}, keys = {0};
    struct yaml_reader reader;
    struct error error;

    read_example(&text, true);
    assert_true(yaml_reader_open(&reader, EXAMPLE_CONFIG, text_bytes(&text), &error));
    list_keys(&reader, yaml_reader_root(&reader), "", &keys);
    config_reference_each(expect_key, keys.data);
    yaml_reader_close(&reader);
    text_free(&keys);
    text_free(&text);
}

static void expect_default(void *arg, const char *key, const struct setting *setting)
{
    const char *name = strrchr(key, '.') ? strrchr(key, '.') + 1 : key;
    char *line;

    if (!setting->fallback || strcmp(setting->fallback, "{}") == 0 || strchr(key, '[') ||
        strncmp(key, "broker", strlen("broker")) == 0)
        return;
    line = mem_format("%s: %s", name, setting->fallback);
    if (!strstr(arg, line))
        fail_msg("the example does not say \"%s\"", line);
    mem_free(line);
}

static void test_example_shows_defaults(void **state)
{
    struct text text = {0};

    read_example(&text, false);
    config_reference_each(expect_default, text.data);
    text_free(&text);
}

static void expect_sorted(const struct setting_table *table)
{
    for (size_t i = 0; i < table->count; i++) {
        const struct setting *row = &table->rows[i];

        if (i > 0 && strcmp(table->rows[i - 1].key, row->key) >= 0)
            fail_msg("%s is not sorted", row->key);
        assert_ptr_equal(setting_find(table, row->key), row);
        assert_non_null(row->text);
        if (row->type != &setting_list && row->type != &setting_word && row->type != &setting_section &&
            !row->type->schema)
            fail_msg("%s has no JSON Schema, which then refuses it", row->key);
        if (row->type == &setting_list)
            expect_sorted(&((const struct setting_entries *)row->detail)->table);
    }
}

static void test_sorted(void **state)
{
    expect_sorted(&config_table);
}

// A kind names its keys by their text: one that is no row would never be seen.
static void test_kinds_of_credentials(void **state)
{
    const struct setting_entries *credentials = setting_find(&config_table, "credentials")->detail;
    const struct setting_table *rows = &credentials->table;

    for (size_t type = 0; type < CREDENTIAL_TYPE_COUNT; type++) {
        const struct source_kind *kind = source_kind_of(type);

        assert_string_equal(kind->names[0], credential_type_words[type]);
        for (size_t i = 0; i < SOURCE_KEYS_MAX && kind->needs[i]; i++)
            assert_non_null(setting_find(rows, kind->needs[i]));
        for (size_t i = 0; i < SOURCE_KEYS_MAX && kind->takes[i]; i++)
            assert_non_null(setting_find(rows, kind->takes[i]));
        assert_non_null(kind->make);
    }
    for (size_t i = 0; i < rows->count; i++) {
        size_t takers = 0;

        for (size_t type = 0; type < CREDENTIAL_TYPE_COUNT; type++)
            takers += credential_takes(type, rows->rows[i].key);
        if (takers == 0)
            fail_msg("no kind of credential takes %s", rows->rows[i].key);
    }
}

static void test_print(void **state)
{
    struct text text = {0}, kinds = {0};

    config_reference_print(&text);
    assert_non_null(strstr(text.data, "\nlimits.idle: duration (default: 5m)\n    without a byte either way"));
    assert_non_null(strstr(text.data, "\nca.state: directory\n"));
    assert_non_null(strstr(text.data, "\ncredentials[].path: file\n    file: holds the token"));
    assert_non_null(strstr(text.data, "\ncredentials[].url: URL\n    broker, platform: where it is asked for"));
    assert_non_null(strstr(text.data, "\ncredentials[].host: text\n    the `github.host`"));
    assert_non_null(strstr(text.data, "\nca.publish: directory (default: "));
    assert_non_null(strstr(text.data, "\nlog.format: json | text (default: json)\n"));
    text_append(&kinds, "\ncredentials[].type: ");
    for (size_t i = 0; credential_type_words[i]; i++)
        text_format(&kinds, "%s%s", i ? " | " : "", credential_type_words[i]);
    text_append_char(&kinds, '\n');
    assert_non_null(strstr(text.data, text_string(&kinds)));
    text_free(&kinds);
    assert_non_null(strstr(text.data, "\nbroker.grants[].namespace: text\n"));
    text_free(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_example),
        cmocka_unit_test(test_example_is_complete),
        cmocka_unit_test(test_example_shows_defaults),
        cmocka_unit_test(test_sorted),
        cmocka_unit_test(test_kinds_of_credentials),
        cmocka_unit_test(test_print),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
