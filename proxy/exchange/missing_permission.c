#include "missing_permission.h"

#include <jansson.h>
#include <stdlib.h>

#include "accepted_permissions.h"

// The line of a rule in the file; 0: it is not of the file.
static int missing_permission_line_of(const struct config *config, const struct rule *rule)
{
    for (size_t i = 0; config->rule_lines && i < config->rules.count; i++)
        if (config->rules.rules[i].match == rule->match) // a host has copies of its rules
            return config->rule_lines[i];
    return 0;
}

static void missing_permission_append_rule(const struct missing_permission *missing, struct text *out)
{
    const struct config *config = missing->config;
    const struct rule *rule = missing->decision->rule;
    int line = rule ? missing_permission_line_of(config, rule) : 0;

    if (!missing->decision->scope.ruled)
        text_append(out, "the App's installation was not granted");
    else if (!rule)
        text_append(out, "none of the rules that serve this call grants");
    else if (missing->granted)
        text_format(out, "the rule %s of the broker's grant does not grant", rule->match);
    else if (line && config->path)
        text_format(out, "the rule %s (%s, line %d) does not grant", rule->match, config->path, line);
    else
        text_format(out, "the rule %s does not grant", rule->match);
}

void missing_permission_append(const struct missing_permission *missing, struct text *out)
{
    missing_permission_append_rule(missing, out);
    text_append(out, " what this call needs: ");
    accepted_permissions_append(missing->accepted, out);
    text_append(out, " would allow it");
}

bool missing_permission_amend(struct bytes json, const char *sentence, struct text *out)
{
    json_t *root = json_loadb(json.data ? json.data : "", json.size, JSON_REJECT_DUPLICATES, NULL);
    const char *message = json_string_value(json_object_get(root, "message"));
    char *dumped = NULL;

    if (message)
        json_object_set_new(root, "message", json_sprintf("%s (%s)", message, sentence));
    if (message && (dumped = json_dumps(root, JSON_COMPACT)))
        text_append(out, dumped);
    free(dumped);
    json_decref(root);
    return dumped != NULL;
}
