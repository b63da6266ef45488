#include "setting_claims.h"

#include "config.h"
#include "glob.h"
#include "mem.h"

// A token of GitHub Actions has some forty claims.
#define CLAIMS_MAX 64

static bool read_pattern(struct yaml_reader *reader, const yaml_node_t *node, char **ret_pattern)
{
    struct bytes text;
    bool flag;

    if (yaml_reader_flag(node, &flag))
        text = flag ? BYTES("true") : BYTES("false");
    else if (!yaml_reader_text(reader, node, "a text or a pattern, such as refs/heads/*", &text))
        return false;
    if (text.size > GLOB_SIZE_MAX)
        return yaml_reader_refuse(reader, node, "has more than %d bytes", GLOB_SIZE_MAX);
    *ret_pattern = mem_bytes_string(text);
    return true;
}

static bool read_claims(struct yaml_reader *reader, const yaml_node_t *node, const struct setting *setting, void *base)
{
    struct config_claims *claims = setting_field(setting, base);
    size_t count;

    if (node->type != YAML_MAPPING_NODE)
        return yaml_reader_refuse_type(reader, node, setting->type->expected);
    count = (size_t)(node->data.mapping.pairs.top - node->data.mapping.pairs.start);
    if (count == 0 || count > CLAIMS_MAX)
        return yaml_reader_refuse(reader, node, "must name 1 to %d claims", CLAIMS_MAX);
    claims->items = mem_alloc_zero(count, sizeof(*claims->items));
    for (size_t i = 0; i < count; i++) {
        const yaml_node_pair_t *pair = &node->data.mapping.pairs.start[i];
        const yaml_node_t *key = yaml_reader_node(reader, pair->key), *value = yaml_reader_node(reader, pair->value);
        struct config_claim *claim = &claims->items[i];
        struct bytes name;

        if (!yaml_reader_text(reader, key, "the name of a claim", &name))
            return false;
        claims->count = i + 1;
        claim->name = mem_bytes_string(name);
        size_t mark = yaml_reader_enter(reader, name);
        if (!read_pattern(reader, value, &claim->pattern))
            return false;
        if (yaml_reader_child(reader, node, claim->name) != value)
            return yaml_reader_refuse(reader, key, "is given twice; keep one");
        yaml_reader_leave(reader, mark);
    }
    return true;
}

static void clear_claims(const struct setting *setting, void *base)
{
    struct config_claims *claims = setting_field(setting, base);

    for (size_t i = 0; i < claims->count; i++) {
        mem_free(claims->items[i].name);
        mem_free(claims->items[i].pattern);
    }
    mem_free(claims->items);
    *claims = (struct config_claims){0};
}

const struct setting_type setting_claims = {"mapping", "a mapping such as {repository: acme/widgets}", read_claims,
                                            clear_claims,
                                            "{\"type\":\"object\",\"minProperties\":1,\"additionalProperties\":"
                                            "{\"type\":[\"string\",\"number\",\"boolean\"]}}"};
