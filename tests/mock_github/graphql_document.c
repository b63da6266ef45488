#include "graphql_document.h"

#include <ctype.h>
#include <stdbool.h>

#include "mock_text.h"

// Deeper than any query of a tool, and shallow enough for a thread's stack.
#define DEPTH_MAX 60

struct parser {
    const char *at;
    int depth;
    bool failed;
};

static json_t *parse_selections(struct parser *parser);
static json_t *parse_value(struct parser *parser);

// Blanks, commas and comments mean nothing.
static void skip(struct parser *parser)
{
    for (;;) {
        if (*parser->at == '#')
            parser->at += strcspn(parser->at, "\n");
        else if (*parser->at && strchr(" \t\r\n,", *parser->at))
            parser->at++;
        else
            return;
    }
}

static bool peek(struct parser *parser, char c)
{
    skip(parser);
    return *parser->at == c;
}

static bool take(struct parser *parser, char c)
{
    if (!peek(parser, c))
        return false;
    parser->at++;
    return true;
}

static void expect(struct parser *parser, char c)
{
    if (!take(parser, c))
        parser->failed = true;
}

static bool take_dots(struct parser *parser)
{
    skip(parser);
    if (strncmp(parser->at, "...", 3) != 0)
        return false;
    parser->at += 3;
    return true;
}

// The next name, without taking it; of no size where there is none.
static struct bytes peek_name(struct parser *parser)
{
    size_t size = 0;

    skip(parser);
    if (isalpha((unsigned char)*parser->at) || *parser->at == '_') {
        while (isalnum((unsigned char)parser->at[size]) || parser->at[size] == '_')
            size++;
    }
    return bytes_of(parser->at, size);
}

static json_t *take_name(struct parser *parser)
{
    struct bytes name = peek_name(parser);

    if (name.size == 0)
        parser->failed = true;
    parser->at += name.size;
    return json_stringn(name.data, name.size);
}

static bool take_word(struct parser *parser, const char *word)
{
    struct bytes name = peek_name(parser);

    if (!bytes_equal(name, bytes_of_string(word)))
        return false;
    parser->at += name.size;
    return true;
}

static json_t *parse_block_string(struct parser *parser)
{
    const char *end = strstr(parser->at + 3, "\"\"\"");
    json_t *json;

    if (!end) {
        parser->failed = true;
        return json_null();
    }
    json = json_stringn(parser->at + 3, (size_t)(end - parser->at) - 3);
    parser->at = end + 3;
    return json;
}

// A string has the escapes of JSON, so that its parser can read it.
static json_t *parse_string(struct parser *parser)
{
    size_t size = 1;
    json_t *json;

    if (strncmp(parser->at, "\"\"\"", 3) == 0)
        return parse_block_string(parser);
    while (parser->at[size] && parser->at[size] != '"')
        size += parser->at[size] == '\\' && parser->at[size + 1] ? 2 : 1;
    json = parser->at[size] ? json_loadb(parser->at, size + 1, JSON_DECODE_ANY, NULL) : NULL;
    if (!json) {
        parser->failed = true;
        return json_null();
    }
    parser->at += size + 1;
    return json;
}

static json_t *parse_number(struct parser *parser)
{
    size_t size = strspn(parser->at, "+-0123456789.eE");
    json_t *json = json_loadb(parser->at, size, JSON_DECODE_ANY, NULL);

    parser->failed |= !json;
    parser->at += size;
    return json ? json : json_null();
}

static json_t *parse_list(struct parser *parser)
{
    json_t *list = json_array();

    while (!parser->failed && !take(parser, ']'))
        json_array_append_new(list, parse_value(parser));
    return list;
}

// Names and values up to `end`.
static json_t *parse_members(struct parser *parser, char end)
{
    json_t *object = json_object();

    while (!parser->failed && !take(parser, end)) {
        json_t *name = take_name(parser);

        expect(parser, ':');
        json_object_set_new(object, json_string_value(name), parse_value(parser));
        json_decref(name);
    }
    return object;
}

static json_t *parse_word(struct parser *parser)
{
    if (take_word(parser, "true"))
        return json_true();
    if (take_word(parser, "false"))
        return json_false();
    if (take_word(parser, "null"))
        return json_null();
    return take_name(parser);
}

static json_t *parse_value(struct parser *parser)
{
    json_t *value;

    if (++parser->depth > DEPTH_MAX)
        parser->failed = true;
    skip(parser);
    if (parser->failed)
        value = json_null();
    else if (take(parser, '$'))
        value = json_pack("{s:o}", "$", take_name(parser));
    else if (take(parser, '['))
        value = parse_list(parser);
    else if (take(parser, '{'))
        value = parse_members(parser, '}');
    else if (*parser->at == '"')
        value = parse_string(parser);
    else if (*parser->at == '-' || isdigit((unsigned char)*parser->at))
        value = parse_number(parser);
    else
        value = parse_word(parser);
    parser->depth--;
    return value;
}

// Directives are read and have no effect.
static void skip_directives(struct parser *parser)
{
    while (!parser->failed && take(parser, '@')) {
        json_decref(take_name(parser));
        if (take(parser, '('))
            json_decref(parse_members(parser, ')'));
    }
}

static json_t *parse_field(struct parser *parser)
{
    json_t *name = take_name(parser);
    json_t *alias = json_incref(name);
    json_t *arguments = NULL;
    json_t *selections = NULL;

    if (take(parser, ':')) {
        json_decref(name);
        name = take_name(parser);
    }
    if (take(parser, '('))
        arguments = parse_members(parser, ')');
    skip_directives(parser);
    if (peek(parser, '{'))
        selections = parse_selections(parser);
    return json_pack("{s:o,s:o,s:o,s:o*}", "name", name, "alias", alias, "arguments",
                     arguments ? arguments : json_object(), "selections", selections);
}

static json_t *parse_spread(struct parser *parser)
{
    json_t *name = NULL;

    if (take_word(parser, "on"))
        name = take_name(parser);
    else if (peek_name(parser).size > 0)
        return json_pack("{s:o}", "spread", take_name(parser));
    skip_directives(parser);
    return json_pack("{s:o,s:o}", "on", name ? name : json_string(""), "selections", parse_selections(parser));
}

static json_t *parse_selections(struct parser *parser)
{
    json_t *list = json_array();

    if (++parser->depth > DEPTH_MAX)
        parser->failed = true;
    expect(parser, '{');
    while (!parser->failed && !take(parser, '}')) {
        json_array_append_new(list, take_dots(parser) ? parse_spread(parser) : parse_field(parser));
        skip_directives(parser);
    }
    parser->depth--;
    return list;
}

// A type in a variable's definition counts for nothing here.
static void skip_type(struct parser *parser)
{
    skip(parser);
    parser->at += strspn(parser->at, "[");
    json_decref(take_name(parser));
    skip(parser);
    parser->at += strspn(parser->at, "]!");
}

// The default values of an operation's variables.
static json_t *parse_defaults(struct parser *parser)
{
    json_t *defaults = json_object();

    if (!take(parser, '('))
        return defaults;
    while (!parser->failed && !take(parser, ')')) {
        json_t *name;

        expect(parser, '$');
        name = take_name(parser);
        expect(parser, ':');
        skip_type(parser);
        if (take(parser, '='))
            json_object_set_new(defaults, json_string_value(name), parse_value(parser));
        skip_directives(parser);
        json_decref(name);
    }
    return defaults;
}

static void parse_fragment(struct parser *parser, json_t *fragments)
{
    json_t *name = take_name(parser);
    json_t *type;

    if (!take_word(parser, "on"))
        parser->failed = true;
    type = take_name(parser);
    skip_directives(parser);
    json_object_set_new(fragments, json_string_value(name),
                        json_pack("{s:o,s:o}", "on", type, "selections", parse_selections(parser)));
    json_decref(name);
}

static void parse_operation(struct parser *parser, json_t *operations)
{
    json_t *kind = peek(parser, '{') ? json_string("query") : take_name(parser);
    json_t *name = peek_name(parser).size > 0 ? take_name(parser) : json_string("");
    json_t *defaults = parse_defaults(parser);

    skip_directives(parser);
    json_array_append_new(operations, json_pack("{s:o,s:o,s:o,s:o}", "kind", kind, "name", name, "defaults", defaults,
                                                "selections", parse_selections(parser)));
}

json_t *graphql_document_parse(const char *text)
{
    struct parser parser = {.at = text};
    json_t *operations = json_array();
    json_t *fragments = json_object();

    while (!parser.failed && !peek(&parser, '\0')) {
        if (take_word(&parser, "fragment"))
            parse_fragment(&parser, fragments);
        else
            parse_operation(&parser, operations);
    }
    if (parser.failed || json_array_size(operations) == 0) {
        json_decref(operations);
        json_decref(fragments);
        return NULL;
    }
    return json_pack("{s:o,s:o}", "operations", operations, "fragments", fragments);
}

json_t *graphql_document_value(json_t *value, json_t *variables)
{
    const char *variable = json_string_value(json_object_get(value, "$"));
    json_t *copy;
    const char *key;
    size_t i;
    json_t *member;

    if (variable) {
        member = json_object_get(variables, variable);
        return member ? json_incref(member) : json_null();
    }
    if (json_is_object(value)) {
        copy = json_object();
        json_object_foreach(value, key, member)
            json_object_set_new(copy, key, graphql_document_value(member, variables));
        return copy;
    }
    if (json_is_array(value)) {
        copy = json_array();
        json_array_foreach(value, i, member)
            json_array_append_new(copy, graphql_document_value(member, variables));
        return copy;
    }
    return json_incref(value);
}
