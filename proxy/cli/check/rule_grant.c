#include "rule_grant.h"

#include "glob.h"
#include "suggestion.h"
#include "text.h"

struct comparison {
    const struct rule *rule;
    int line; // 0: not known
    const char *owner;
    const struct permissions *granted;
    rule_grant_fn *lacks;
    void *arg;
};

// The granted name that was likely meant; NULL: none. One that the rule names as well was not.
static const char *meant(const struct comparison *comparison, const char *name)
{
    struct suggestion suggestion;

    suggestion_init(&suggestion, bytes_of_string(name));
    for (size_t i = 0; i < comparison->granted->count; i++) {
        const char *candidate = comparison->granted->items[i].name;

        if (permissions_level(&comparison->rule->permissions, bytes_of_string(candidate)) == PERMISSION_NONE)
            suggestion_offer(&suggestion, candidate);
    }
    return suggestion.nearest;
}

// What the rule says, after which the result is reported. `key`: by what it asks for the permission.
static void append_wish(const struct comparison *comparison, const char *key, const char *name,
                        enum permission_level level, struct text *text)
{
    text_format(text, "rule %s", comparison->rule->match);
    if (comparison->line)
        text_format(text, " (line %d)", comparison->line);
    text_format(text, ": `%s` %s `%s: %s`, ", key, strcmp(key, "permissions") == 0 ? "names" : "needs", name,
                permission_level_name(level));
}

static void compare(const struct comparison *comparison, const char *key, const char *name, enum permission_level level)
{
    enum permission_level has = permissions_level(comparison->granted, bytes_of_string(name));
    const char *near = has == PERMISSION_NONE ? meant(comparison, name) : NULL, *owner = comparison->owner;
    struct text text = {0};

    if (has >= level)
        return;
    append_wish(comparison, key, name, level, &text);
    if (has != PERMISSION_NONE)
        text_format(&text, "but %s granted the App `%s: %s`; lower it", owner, name, permission_level_name(has));
    else if (near)
        text_format(&text, "which %s did not grant the App; did you mean `%s`? Else take it out", owner, near);
    else
        text_format(&text, "which %s did not grant the App; take it out", owner);
    text_format(&text, ", or ask for it in the App's settings and have %s accept that", owner);
    comparison->lacks(comparison->arg, text_string(&text));
    text_free(&text);
}

static void compare_rule(const struct comparison *comparison)
{
    const struct rule *rule = comparison->rule;

    if (rule->push.kind != REF_SET_NONE)
        compare(comparison, "push", "contents", PERMISSION_WRITE);
    else if (rule->delete.kind != REF_SET_NONE)
        compare(comparison, "delete", "contents", PERMISSION_WRITE);
    else if (rule->fetch)
        compare(comparison, "fetch", "contents", PERMISSION_READ);
    for (size_t i = 0; i < rule->permissions.count; i++)
        compare(comparison, "permissions", rule->permissions.items[i].name, rule->permissions.items[i].level);
}

void rule_grant_compare(const struct rules *rules, const int *lines, const char *owner,
                        const struct permissions *granted, rule_grant_fn *lacks, void *arg)
{
    struct comparison comparison = {.owner = owner, .granted = granted, .lacks = lacks, .arg = arg};

    for (size_t i = 0; i < rules->count; i++) {
        struct bytes pattern, name;

        comparison.rule = &rules->rules[i];
        comparison.line = lines ? lines[i] : 0;
        if (bytes_cut(bytes_of_string(comparison.rule->match), '/', &pattern, &name) &&
            glob_match(pattern, bytes_of_string(owner)))
            compare_rule(&comparison);
    }
}
