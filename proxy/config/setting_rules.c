#include "setting_rules.h"

#include <ctype.h>

#include "config.h"
#include "mem.h"

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

static void clear_patterns(char ***items, size_t *count)
{
    for (size_t i = 0; i < *count; i++)
        mem_free((*items)[i]);
    mem_free(*items);
    *items = NULL;
    *count = 0;
}

static bool read_ref_set(struct yaml_reader *reader, const yaml_node_t *node, const struct setting *setting, void *base)
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

static void clear_ref_set(const struct setting *setting, void *base)
{
    struct ref_set *set = setting_field(setting, base);

    clear_patterns(&set->patterns, &set->count);
}

static bool read_paths(struct yaml_reader *reader, const yaml_node_t *node, const struct setting *setting, void *base)
{
    struct rule *rule = base;

    if (!read_patterns(reader, node, setting->type->expected, &rule->paths, &rule->path_count))
        return false;
    if (rule->path_count == 0)
        return yaml_reader_refuse(reader, node, "is an empty list; leave `permissions` out to close the API");
    return true;
}

static void clear_paths(const struct setting *setting, void *base)
{
    struct rule *rule = base;

    clear_patterns(&rule->paths, &rule->path_count);
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

const struct setting_type setting_ref_set = {"true | false | list of ref patterns",
                                             "true, false or a list of ref patterns such as refs/heads/agent/*",
                                             read_ref_set, clear_ref_set};
const struct setting_type setting_permissions = {"mapping", "a mapping of permissions, such as {pull_requests: write}",
                                                 read_permissions, NULL};
static const struct setting_type setting_paths = {"list of path patterns", "a list of path patterns such as pulls/**",
                                                  read_paths, clear_paths};

#define RULE(key, type, member, fallback, text)                                                                        \
    {                                                                                                                  \
        key, &(type), offsetof(struct rule, member), fallback, NULL, text                                              \
    }

const struct setting setting_rule_rows[SETTING_RULE_ROWS] = {
    RULE("accept_bypass", setting_flag, accept_bypass, "false",
         "accept `permissions` that go round the ref patterns of `push`"),
    RULE("create", setting_flag, create, "true", "false: a push may only update refs that exist"),
    RULE("delete", setting_ref_set, delete, "false", "refs that a push may delete"),
    RULE("fetch", setting_flag, fetch, "false", "clone, fetch and Git LFS download"),
    RULE("graphql", setting_flag, graphql, "false",
         "GraphQL may be used, with a token for the repositories whose rule says so"),
    RULE("match", setting_string, match, NULL, "owner/name; * stays within one of the two; case does not matter"),
    RULE("max_pack", setting_size, max_pack, NULL, "a larger pack is cut off and refused; absent: no limit"),
    RULE("paths", setting_paths, paths, NULL,
         "API paths below the repository that may be used; absent: all that `permissions` reach"),
    RULE("permissions", setting_permissions, permissions, NULL,
         "of the token for api.github.com, such as {pull_requests: write, issues: read}; absent: what `contents: read` "
         "reaches there, where the rule may fetch"),
    RULE("push", setting_ref_set, push, "false", "refs that a push may create and update; also opens Git LFS upload"),
};

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
    struct error problem;

    if (!rule->match)
        return yaml_reader_refuse(reader, node, "has no `match`; name the repositories it is for: match: owner/name");
    for (char *c = rule->match; *c; c++)
        *c = (char)tolower((unsigned char)*c);
    return rule_check(rule, &problem) || refuse_rule(reader, &problem);
}
