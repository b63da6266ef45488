#include "yaml_reader.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static struct bytes scalar_bytes(const yaml_node_t *node)
{
    return bytes_of((const char *)node->data.scalar.value, node->data.scalar.length);
}

static bool yaml_reader_is_plain(const yaml_node_t *node, const char *word)
{
    return node->type == YAML_SCALAR_NODE && node->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
           bytes_equal(scalar_bytes(node), bytes_of_string(word));
}

// YAML 1.2 core schema, section 10.3.2: the null words.
static bool is_null(const yaml_node_t *node)
{
    return yaml_reader_is_plain(node, "") || yaml_reader_is_plain(node, "~") || yaml_reader_is_plain(node, "null");
}

// libyaml's reader gives no line for a byte that is no UTF-8, only where it is.
static int line_at(struct bytes text, size_t offset)
{
    int line = 1;

    for (size_t i = 0; i < offset && i < text.size; i++)
        line += text.data[i] == '\n';
    return line;
}

static bool refuse_syntax(const char *file, struct bytes text, const yaml_parser_t *parser, struct error *error)
{
    const char *problem = parser->problem ? parser->problem : "it cannot be read";
    const char *remedy = "";
    int line =
        parser->error == YAML_READER_ERROR ? line_at(text, parser->problem_offset) : (int)parser->problem_mark.line + 1;

    if (strstr(problem, "cannot start any token"))
        remedy = "; indent with spaces, not tabs, and quote text that begins with a special character";
    else if (strstr(problem, "expected alphabetic or numeric") || strstr(problem, "undefined alias"))
        remedy = "; quote a pattern that begins with *";
    else if (strstr(problem, "expected ':'"))
        remedy = "; after a key come a colon and a space";
    else if (strstr(problem, "mapping values are not allowed") || strstr(problem, "expected <block end>") ||
             strstr(problem, "expected '-' indicator") || strstr(problem, "block mapping"))
        remedy = "; indent the keys of one mapping alike";
    return error_set(error, "%s:%d: this is not YAML: %s%s", file, line, problem, remedy);
}

// A second document in the file would be silently ignored, so it is an error.
static bool ends_here(const char *file, yaml_parser_t *parser, struct bytes text, struct error *error)
{
    yaml_document_t next;
    bool alone;

    if (!yaml_parser_load(parser, &next))
        return refuse_syntax(file, text, parser, error);
    alone = yaml_document_get_root_node(&next) == NULL;
    if (!alone)
        error_set(error, "%s:%d: a second YAML document begins here; keep one document in the file", file,
                  (int)next.start_mark.line + 1);
    yaml_document_delete(&next);
    return alone;
}

bool yaml_reader_open(struct yaml_reader *reader, const char *file, struct bytes text, struct error *ret_error)
{
    yaml_parser_t parser;
    bool ok;

    memset(reader, 0, sizeof(*reader));
    reader->file = file;
    reader->error = ret_error;
    if (!yaml_parser_initialize(&parser))
        return error_set(ret_error, "%s: no memory to read it", file);
    yaml_parser_set_input_string(&parser, (const unsigned char *)(text.data ? text.data : ""), text.size);
    ok = yaml_parser_load(&parser, &reader->document) || refuse_syntax(file, text, &parser, ret_error);
    // After the end of the stream there is nothing more to load.
    if (ok && yaml_document_get_root_node(&reader->document) && !ends_here(file, &parser, text, ret_error)) {
        yaml_document_delete(&reader->document);
        ok = false;
    }
    yaml_parser_delete(&parser);
    return ok;
}

void yaml_reader_close(struct yaml_reader *reader)
{
    yaml_document_delete(&reader->document);
}

const yaml_node_t *yaml_reader_root(struct yaml_reader *reader)
{
    return yaml_document_get_root_node(&reader->document);
}

const yaml_node_t *yaml_reader_node(struct yaml_reader *reader, int index)
{
    return yaml_document_get_node(&reader->document, index);
}

size_t yaml_reader_enter(struct yaml_reader *reader, struct bytes key)
{
    size_t mark = strlen(reader->path);

    snprintf(reader->path + mark, sizeof(reader->path) - mark, "%s%.*s", mark ? "." : "", (int)key.size, key.data);
    return mark;
}

size_t yaml_reader_enter_entry(struct yaml_reader *reader, size_t entry)
{
    size_t mark = strlen(reader->path);

    snprintf(reader->path + mark, sizeof(reader->path) - mark, "[%zu]", entry);
    return mark;
}

void yaml_reader_leave(struct yaml_reader *reader, size_t mark)
{
    reader->path[mark] = '\0';
}

const yaml_node_t *yaml_reader_child(struct yaml_reader *reader, const yaml_node_t *node, const char *key)
{
    if (node->type != YAML_MAPPING_NODE)
        return NULL;
    for (const yaml_node_pair_t *pair = node->data.mapping.pairs.start; pair < node->data.mapping.pairs.top; pair++) {
        const yaml_node_t *name = yaml_reader_node(reader, pair->key);
        if (name->type == YAML_SCALAR_NODE && bytes_equal(scalar_bytes(name), bytes_of_string(key)))
            return yaml_reader_node(reader, pair->value);
    }
    return NULL;
}

static const yaml_node_t *child_by_entry(struct yaml_reader *reader, const yaml_node_t *node, size_t entry)
{
    if (node->type != YAML_SEQUENCE_NODE)
        return entry == 0 ? node : NULL; // one entry may stand where a list could
    if (entry >= (size_t)(node->data.sequence.items.top - node->data.sequence.items.start))
        return NULL;
    return yaml_reader_entry(reader, node, entry);
}

// The line of a key, given by its path; that of the nearest key above it where the file does not name it.
static int yaml_reader_line_of(struct yaml_reader *reader, const char *path)
{
    const yaml_node_t *node = yaml_reader_root(reader);
    int line = node ? (int)node->start_mark.line + 1 : 1;

    while (node && *path) {
        size_t size = *path == '[' ? strcspn(path, "]") + 1 : strcspn(path, ".[");
        char key[YAML_PATH_SIZE];

        snprintf(key, sizeof(key), "%.*s", (int)size, path);
        node = *path == '[' ? child_by_entry(reader, node, strtoul(path + 1, NULL, 10))
                            : yaml_reader_child(reader, node, key);
        if (node)
            line = (int)node->start_mark.line + 1;
        path += size;
        path += *path == '.';
    }
    return line;
}

// The text quotes the file, and is one line on a terminal.
static void yaml_reader_make_plain(char *text)
{
    for (; *text; text++) {
        if ((unsigned char)*text < ' ' || *text == 0x7f)
            *text = ' ';
    }
}

static void GL_PRINTF(3, 0) refuse_line(struct yaml_reader *reader, int line, const char *format, va_list values)
{
    char text[ERROR_TEXT_SIZE];

    vsnprintf(text, sizeof(text), format, values);
    error_set(reader->error, "%s:%d: %s%s%s", reader->file, line, reader->path, reader->path[0] ? ": " : "", text);
    yaml_reader_make_plain(reader->error->text);
}

bool yaml_reader_refuse(struct yaml_reader *reader, const yaml_node_t *node, const char *format, ...)
{
    va_list values;

    va_start(values, format);
    refuse_line(reader, node ? (int)node->start_mark.line + 1 : 1, format, values);
    va_end(values);
    return false;
}

bool yaml_reader_refuse_key(struct yaml_reader *reader, const char *key, const char *format, ...)
{
    size_t mark = *key ? yaml_reader_enter(reader, bytes_of_string(key)) : strlen(reader->path);
    va_list values;

    va_start(values, format);
    refuse_line(reader, yaml_reader_line_of(reader, reader->path), format, values);
    va_end(values);
    yaml_reader_leave(reader, mark);
    return false;
}

bool yaml_reader_refuse_type(struct yaml_reader *reader, const yaml_node_t *node, const char *expected)
{
    bool flag;

    if (node->type == YAML_SEQUENCE_NODE)
        return yaml_reader_refuse(reader, node, "must be %s, not a list", expected);
    if (node->type == YAML_MAPPING_NODE)
        return yaml_reader_refuse(reader, node, "must be %s, not a mapping", expected);
    if (is_null(node))
        return yaml_reader_refuse(reader, node, "has no value; give %s, or leave the key out", expected);
    if (yaml_reader_flag(node, &flag))
        return yaml_reader_refuse(reader, node, "must be %s, not %s", expected, flag ? "true" : "false");
    return yaml_reader_refuse(reader, node, "must be %s, not \"%.200s\"", expected,
                              (const char *)node->data.scalar.value);
}

bool yaml_reader_text(struct yaml_reader *reader, const yaml_node_t *node, const char *expected, struct bytes *ret_text)
{
    bool flag;

    if (node->type != YAML_SCALAR_NODE || is_null(node) || yaml_reader_flag(node, &flag))
        return yaml_reader_refuse_type(reader, node, expected);
    if (node->data.scalar.length == 0)
        return yaml_reader_refuse(reader, node, "is empty; give %s, or leave the key out", expected);
    if (memchr(node->data.scalar.value, '\0', node->data.scalar.length))
        return yaml_reader_refuse(reader, node, "holds a NUL byte; give %s", expected);
    *ret_text = scalar_bytes(node);
    return true;
}

bool yaml_reader_flag(const yaml_node_t *node, bool *ret_flag)
{
    if (!yaml_reader_is_plain(node, "true") && !yaml_reader_is_plain(node, "false"))
        return false;
    *ret_flag = yaml_reader_is_plain(node, "true");
    return true;
}

bool yaml_reader_list(struct yaml_reader *reader, const yaml_node_t *node, const char *expected, size_t most,
                      size_t *ret_count)
{
    size_t count;

    if (node->type != YAML_SEQUENCE_NODE)
        return yaml_reader_refuse_type(reader, node, expected);
    count = (size_t)(node->data.sequence.items.top - node->data.sequence.items.start);
    if (count > most)
        return yaml_reader_refuse(reader, node, "has %zu entries; at most %zu are read", count, most);
    *ret_count = count;
    return true;
}

const yaml_node_t *yaml_reader_entry(struct yaml_reader *reader, const yaml_node_t *list, size_t entry)
{
    return yaml_reader_node(reader, list->data.sequence.items.start[entry]);
}
