#include "setting_type.h"

#include <inttypes.h>
#include <stdio.h>

#include "config.h"
#include "mem.h"
#include "quantity.h"
#include "suggestion.h"
#include "web_url.h"

// Texts.

void setting_set_string(char **field, struct bytes text)
{
    mem_free(*field);
    *field = mem_bytes_string(text);
}

void setting_clear_string(const struct setting *setting, void *base)
{
    char **field = setting_field(setting, base);

    mem_free(*field);
    *field = NULL;
}

static bool read_string(struct yaml_reader *reader, const yaml_node_t *node, const struct setting *setting, void *base)
{
    struct bytes text;

    if (!yaml_reader_text(reader, node, setting->type->expected, &text))
        return false;
    setting_set_string(setting_field(setting, base), text);
    return true;
}

static bool read_web_url(struct yaml_reader *reader, const yaml_node_t *node, const struct setting *setting, void *base)
{
    struct bytes text;
    struct error error;

    if (!yaml_reader_text(reader, node, setting->type->expected, &text))
        return false;
    if (!web_url_check(text, setting->detail, &error))
        return yaml_reader_refuse(reader, node, "%s", error.text);
    setting_set_string(setting_field(setting, base), text);
    return true;
}

// Numbers and flags.

static bool read_flag(struct yaml_reader *reader, const yaml_node_t *node, const struct setting *setting, void *base)
{
    if (yaml_reader_flag(node, setting_field(setting, base)))
        return true;
    return yaml_reader_refuse_type(reader, node, setting->type->expected);
}

static bool read_count(struct yaml_reader *reader, const yaml_node_t *node, const struct setting *setting, void *base)
{
    const struct setting_bounds *bounds = setting->detail;
    struct bytes text;
    uint64_t count;

    if (!yaml_reader_text(reader, node, setting->type->expected, &text))
        return false;
    if (!quantity_count(text, &count))
        return yaml_reader_refuse_type(reader, node, setting->type->expected);
    if (bounds && (count < bounds->least || count > bounds->most))
        return yaml_reader_refuse(reader, node, "must be between %" PRIu64 " and %" PRIu64 ", not %" PRIu64,
                                  bounds->least, bounds->most, count);
    *(uint64_t *)setting_field(setting, base) = count;
    return true;
}

static bool read_duration(struct yaml_reader *reader, const yaml_node_t *node, const struct setting *setting,
                          void *base)
{
    const struct setting_bounds *bounds = setting->detail;
    char least[QUANTITY_TEXT_SIZE], most[QUANTITY_TEXT_SIZE];
    struct bytes text;
    int64_t ms;

    if (!yaml_reader_text(reader, node, setting->type->expected, &text))
        return false;
    if (!quantity_duration(text, &ms))
        return yaml_reader_refuse_type(reader, node, setting->type->expected);
    if (bounds && ((uint64_t)ms < bounds->least || (uint64_t)ms > bounds->most)) {
        quantity_format_duration((int64_t)bounds->least, least);
        quantity_format_duration((int64_t)bounds->most, most);
        return yaml_reader_refuse(reader, node, "must be between %s and %s, not %s", least, most, text.data);
    }
    *(int64_t *)setting_field(setting, base) = ms;
    return true;
}

static bool setting_type_read_size(struct yaml_reader *reader, const yaml_node_t *node, const struct setting *setting,
                                   void *base)
{
    const struct setting_bounds *bounds = setting->detail;
    char least[QUANTITY_TEXT_SIZE], most[QUANTITY_TEXT_SIZE];
    struct bytes text;
    uint64_t bytes;

    if (!yaml_reader_text(reader, node, setting->type->expected, &text))
        return false;
    if (!quantity_size(text, &bytes))
        return yaml_reader_refuse_type(reader, node, setting->type->expected);
    if (bounds && (bytes < bounds->least || bytes > bounds->most)) {
        quantity_format_size(bounds->least, least);
        quantity_format_size(bounds->most, most);
        return yaml_reader_refuse(reader, node, "must be between %s and %s, not %s", least, most, text.data);
    }
    *(uint64_t *)setting_field(setting, base) = bytes;
    return true;
}

// Words.

bool setting_refuse_word(struct yaml_reader *reader, const yaml_node_t *node, struct bytes word,
                         const char *const *words)
{
    struct suggestion suggestion;
    char known[256] = "";

    suggestion_init(&suggestion, word);
    for (size_t i = 0; words[i]; i++) {
        size_t used = strlen(known);

        suggestion_offer(&suggestion, words[i]);
        snprintf(known + used, sizeof(known) - used, "%s%s", i == 0 ? "" : words[i + 1] ? ", " : " or ", words[i]);
    }
    if (suggestion.nearest)
        return yaml_reader_refuse(reader, node, "must be %s, not \"%.*s\"; did you mean \"%s\"?", known, (int)word.size,
                                  word.data, suggestion.nearest);
    return yaml_reader_refuse(reader, node, "must be %s, not \"%.*s\"", known, (int)word.size, word.data);
}

static bool read_word_of(struct yaml_reader *reader, const yaml_node_t *node, const char *const *words,
                         unsigned *ret_index)
{
    struct bytes text;

    if (!yaml_reader_text(reader, node, "a word", &text))
        return false;
    for (unsigned i = 0; words[i]; i++) {
        if (bytes_equal(text, bytes_of_string(words[i]))) {
            *ret_index = i;
            return true;
        }
    }
    return setting_refuse_word(reader, node, text, words);
}

static bool read_word(struct yaml_reader *reader, const yaml_node_t *node, const struct setting *setting, void *base)
{
    // An enum without a negative member is an unsigned int to gcc and clang.
    return read_word_of(reader, node, setting->detail, setting_field(setting, base));
}

static bool read_allow(struct yaml_reader *reader, const yaml_node_t *node, const struct setting *setting, void *base)
{
    static const char *const words[] = {"allow", "deny", NULL};
    unsigned index = 0;

    if (!read_word_of(reader, node, words, &index))
        return false;
    *(bool *)setting_field(setting, base) = index == 1;
    return true;
}

// Lists of texts.

bool setting_read_strings(struct yaml_reader *reader, const yaml_node_t *node, const char *expected,
                          setting_check_fn *check, struct text_list *list)
{
    size_t count;

    if (!yaml_reader_list(reader, node, expected, SETTING_ENTRIES_MAX, &count))
        return false;
    list->items = mem_alloc_zero(count, sizeof(*list->items));
    while (list->count < count) {
        size_t mark = yaml_reader_enter_entry(reader, list->count);
        const yaml_node_t *entry = yaml_reader_entry(reader, node, list->count);
        struct bytes text;

        if (!yaml_reader_text(reader, entry, "a text", &text) || (check && !check(reader, entry, text)))
            return false;
        list->items[list->count++] = mem_bytes_string(text);
        yaml_reader_leave(reader, mark);
    }
    return true;
}

static bool read_strings(struct yaml_reader *reader, const yaml_node_t *node, const struct setting *setting, void *base)
{
    return setting_read_strings(reader, node, setting->type->expected, NULL, setting_field(setting, base));
}

void setting_clear_strings(const struct setting *setting, void *base)
{
    struct text_list *list = setting_field(setting, base);

    for (size_t i = 0; i < list->count; i++)
        mem_free(list->items[i]);
    mem_free(list->items);
    *list = (struct text_list){0};
}

static bool read_argv(struct yaml_reader *reader, const yaml_node_t *node, const struct setting *setting, void *base)
{
    char ***field = setting_field(setting, base);
    struct text_list list = {0};
    struct setting as_list = {.offset = 0};
    bool ok = setting_read_strings(reader, node, setting->type->expected, NULL, &list);

    if (ok && list.count == 0)
        ok = yaml_reader_refuse(reader, node, "is empty; give the command and its arguments: [gh, auth, token]");
    if (ok) {
        *field = mem_alloc_zero(list.count + 1, sizeof(**field));
        memcpy(*field, list.items, list.count * sizeof(**field));
        list.count = 0;
    }
    setting_clear_strings(&as_list, &list);
    return ok;
}

static void clear_argv(const struct setting *setting, void *base)
{
    char ***field = setting_field(setting, base);

    for (char **word = *field; word && *word; word++)
        mem_free(*word);
    mem_free(*field);
    *field = NULL;
}

// YAML takes an unquoted 12345 or true for a text where one is wanted.
#define SCHEMA_TEXT  "{\"type\":[\"string\",\"number\",\"boolean\"]}"
#define SCHEMA_LIST  "{\"type\":\"array\",\"items\":" SCHEMA_TEXT "}"
#define SCHEMA_FILES "{\"type\":\"array\",\"items\":{\"type\":\"string\"}}"

const struct setting_type setting_string = {"text", "a text", read_string, setting_clear_string, SCHEMA_TEXT};
const struct setting_type setting_file = {"file", "the path of a file", read_string, setting_clear_string,
                                          "{\"type\":\"string\"}"};
const struct setting_type setting_directory = {"directory", "the path of a directory", read_string,
                                               setting_clear_string, "{\"type\":\"string\"}"};
const struct setting_type setting_web_url = {"URL", "a URL such as https://host:port", read_web_url,
                                             setting_clear_string,
                                             "{\"type\":\"string\",\"pattern\":\"^[hH][tT][tT][pP][sS]?://\"}"};
const struct setting_type setting_flag = {"true | false", "true or false", read_flag, NULL, "{\"type\":\"boolean\"}"};
const struct setting_type setting_count = {"number", "a whole number", read_count, NULL,
                                           "{\"type\":\"integer\",\"minimum\":0}"};
const struct setting_type setting_duration = {"duration", "a duration such as 30s, 10m or 1h", read_duration, NULL,
                                              "{\"type\":\"string\",\"pattern\":\"^[0-9]+(s|m|h)$\"}"};
const struct setting_type setting_size = {"size", "a size such as 64KiB, 1MiB or 2GiB", setting_type_read_size, NULL,
                                          "{\"type\":\"string\",\"pattern\":\"^[0-9]+(KiB|MiB|GiB)$\"}"};
const struct setting_type setting_word = {"word", "a word", read_word, NULL, NULL};
const struct setting_type setting_allow = {"allow | deny", "allow or deny", read_allow, NULL,
                                           "{\"enum\":[\"allow\",\"deny\"]}"};
const struct setting_type setting_strings = {"list of texts", "a list of texts", read_strings, setting_clear_strings,
                                             SCHEMA_LIST};
const struct setting_type setting_files = {"list of files", "a list of files", read_strings, setting_clear_strings,
                                           SCHEMA_FILES};
const struct setting_type setting_argv = {"command", "a list: a command and its arguments", read_argv, clear_argv,
                                          "{\"type\":\"array\",\"minItems\":1,\"items\":" SCHEMA_TEXT "}"};
