#include "setting_rules.h"

#include <ctype.h>

#include "config.h"
#include "mem.h"
#include "rule_match.h"
#include "rule_type.h"

// Strings without the list that held them: the rules count them on their own.
static bool read_patterns(struct yaml_reader *reader, const yaml_node_t *node, const char *expected, char ***ret_items,
                          size_t *ret_count)
{
    const struct setting as_list = {.offset = 0};
    struct text_list list = {0};

    if (!setting_read_strings(reader, node, expected, NULL, &list)) {
        setting_clear_strings(&as_list, &list);
        return false;
    }
    *ret_items = list.items;
    *ret_count = list.count;
    return true;
}

static bool read_refs(struct yaml_reader *reader, const yaml_node_t *node, const struct setting *setting, void *base)
{
    struct ref_set *set = setting_field(setting, base);
    bool flag;

    if (yaml_reader_flag(node, &flag)) {
        set->kind = flag ? REF_SET_ALL : REF_SET_NONE;
        return true;
    }
    if (!read_patterns(reader, node, setting->type->expected, &set->patterns, &set->count))
        return false;
    if (set->count == 0)
        return yaml_reader_refuse(reader, node, "is an empty list; write false to allow nothing");
    set->kind = REF_SET_PATTERNS;
    return true;
}

static void clear_refs(const struct setting *setting, void *base)
{
    rule_type_refs.clear(setting_field(setting, base));
}

static bool read_paths(struct yaml_reader *reader, const yaml_node_t *node, const struct setting *setting, void *base)
{
    struct path_set *paths = setting_field(setting, base);

    if (!read_patterns(reader, node, setting->type->expected, &paths->patterns, &paths->count))
        return false;
    if (paths->count == 0)
        return yaml_reader_refuse(reader, node, "is an empty list; leave `permissions` out to close the API");
    return true;
}

static void clear_paths(const struct setting *setting, void *base)
{
    rule_type_paths.clear(setting_field(setting, base));
}

static bool read_permission(struct yaml_reader *reader, const yaml_node_t *key, const yaml_node_t *value,
                            struct permissions *permissions)
{
    static const char *const words[] = {"read", "write", "admin", NULL};
    struct bytes name, word;
    enum permission_level level;

    if (!yaml_reader_text(reader, key, "the name of a permission", &name) ||
        !yaml_reader_text(reader, value, "read, write or admin", &word))
        return false;
    if (!permission_level_parse(word, &level))
        return setting_refuse_word(reader, value, word, words);
    if (permissions_level(permissions, name) != PERMISSION_NONE)
        return yaml_reader_refuse(reader, key, "is given twice; keep one");
    if (!permissions_add(permissions, name, level))
        return yaml_reader_refuse(reader, key,
                                  "is no permission: a name of lower-case letters and _, at most %d of "
                                  "them in a rule, such as pull_requests",
                                  PERMISSIONS_MAX);
    return true;
}

static bool read_permissions(struct yaml_reader *reader, const yaml_node_t *node, const struct setting *setting,
                             void *base)
{
    struct permissions *permissions = setting_field(setting, base);

    if (node->type != YAML_MAPPING_NODE)
        return yaml_reader_refuse_type(reader, node, setting->type->expected);
    for (const yaml_node_pair_t *pair = node->data.mapping.pairs.start; pair < node->data.mapping.pairs.top; pair++) {
        const yaml_node_t *key = yaml_reader_node(reader, pair->key);
        const char *name = key->type == YAML_SCALAR_NODE ? (const char *)key->data.scalar.value : "";
        size_t mark = yaml_reader_enter(reader, bytes_of_string(name));

        if (!read_permission(reader, key, yaml_reader_node(reader, pair->value), permissions))
            return false;
        yaml_reader_leave(reader, mark);
    }
    return true;
}

static const struct setting_type type_refs = {
    "true | false | list of ref patterns", "true, false or a list of ref patterns such as refs/heads/agent/*",
    read_refs, clear_refs,
    "{\"anyOf\":[{\"type\":\"boolean\"},{\"type\":\"array\",\"minItems\":1,\"items\":{\"type\":\"string\"}}]}"};
static const struct setting_type type_permissions = {
    "mapping", "a mapping of permissions, such as {pull_requests: write}", read_permissions, NULL,
    "{\"type\":\"object\",\"additionalProperties\":{\"enum\":[\"read\",\"write\",\"admin\"]}}"};
static const struct setting_type type_paths = {"list of path patterns", "a list of path patterns such as pulls/**",
                                               read_paths, clear_paths,
                                               "{\"type\":\"array\",\"minItems\":1,\"items\":{\"type\":\"string\"}}"};

// How each type of rule.h is read.
#define READ_match       setting_string
#define READ_flag        setting_flag
#define READ_own_flag    setting_flag
#define READ_refs        type_refs
#define READ_paths       type_paths
#define READ_permissions type_permissions
#define READ_limit       setting_size

#define RULE_ROW(name, type, bound, fallback, text)                                                                    \
    {#name, &(READ_##type), offsetof(struct rule, name), fallback, NULL, text},

const struct setting setting_rule_rows[RULE_KEY_COUNT] = {RULE_KEYS(RULE_ROW)};

// "push: what is wrong" names the key, which the reader puts into the path.
static bool refuse_rule(struct yaml_reader *reader, const struct error *problem)
{
    struct bytes key, text;
    char name[32];

    bytes_cut(bytes_of_string(problem->text), ':', &key, &text);
    if (key.size >= sizeof(name) || text.size == 0)
        return yaml_reader_refuse_key(reader, "", "%s", problem->text);
    snprintf(name, sizeof(name), "%.*s", (int)key.size, key.data);
    return yaml_reader_refuse_key(reader, name, "%s", text.data + strspn(text.data, " "));
}

bool setting_rule_finish(struct yaml_reader *reader, const yaml_node_t *node, void *entry)
{
    struct rule *rule = entry;
    struct bytes web, pattern;
    struct error problem;
    size_t lower_size;

    if (!rule->match)
        return yaml_reader_refuse(reader, node, "has no `match`; name the repositories it is for: match: owner/name");
    // Of another host's names it depends on the host.
    lower_size = rule_match_split(rule->match, &web, &pattern) ? web.size : strlen(rule->match);
    for (size_t i = 0; i < lower_size; i++)
        rule->match[i] = (char)tolower((unsigned char)rule->match[i]);
    return rule_check(rule, &problem) || refuse_rule(reader, &problem);
}
