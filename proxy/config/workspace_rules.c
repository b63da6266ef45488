#include "workspace_rules.h"

#include <string.h>

#include "rule_json.h"

#define BRANCHES "refs/heads/"
#define EXAMPLE  "my-change"

bool workspace_rules_example(const struct ref_set *push, struct text *out)
{
    if (push->kind == REF_SET_ALL)
        text_append(out, EXAMPLE);
    if (push->kind != REF_SET_PATTERNS)
        return push->kind == REF_SET_ALL;
    for (size_t i = 0; i < push->count; i++) {
        const char *pattern = push->patterns[i];

        if (strncmp(pattern, BRANCHES, strlen(BRANCHES)) != 0) {
            if (strcmp(pattern, "**") != 0 && strcmp(pattern, "refs/**") != 0)
                continue;
            pattern = BRANCHES "*";
        }
        for (pattern += strlen(BRANCHES); *pattern; pattern++) {
            if (*pattern != '*')
                text_append_char(out, *pattern);
            else if (pattern[1] != '*')
                text_append(out, EXAMPLE);
        }
        return true;
    }
    return false;
}

static void workspace_rules_append_rule(const struct rule *rule, struct text *out)
{
    struct text json = {0}, branch = {0};

    rule_json_append(rule, &json);
    text_append_bytes(out, bytes_of(json.data, json.size - 1)); // without its brace
    if (workspace_rules_example(&rule->push, &branch)) {
        text_append(out, ",\"example_branch\":");
        text_append_json_string(out, text_bytes(&branch));
        text_append(out, ",\"example_push\":");
        text_clear(&json);
        text_format(&json, "git push origin HEAD:" BRANCHES "%s", text_string(&branch));
        text_append_json_string(out, text_bytes(&json));
    }
    text_append_char(out, '}');
    text_free(&json);
    text_free(&branch);
}

static void workspace_rules_append_rules(const struct config *config, size_t size_max, struct text *out)
{
    size_t i;

    text_append(out, ",\"repositories\":[");
    for (i = 0; i < config->rules.count && out->size < size_max; i++) {
        if (i > 0)
            text_append_char(out, ',');
        workspace_rules_append_rule(&config->rules.rules[i], out);
    }
    text_append_char(out, ']');
    if (i < config->rules.count)
        text_format(out, ",\"repositories_left_out\":%zu", config->rules.count - i);
}

void workspace_rules_append(const struct config *config, bool has_broker, size_t size_max, struct text *out)
{
    bool denies = config->rules.other == OTHER_REPOSITORIES_DENY;

    text_format(out, "{\"gitlatch\":\"%s\",\"enforced\":%s,\"rules\":\"%s\"", GITLATCH_VERSION,
                config->enforce ? "true" : "false",
                config->rules.present ? (has_broker ? "configuration, within the broker's grant" : "configuration")
                : has_broker          ? "the broker's grant"
                                      : "none: whatever the credential reaches is allowed");
    workspace_rules_append_rules(config, size_max, out);
    text_format(out, ",\"other_repositories\":\"%s\"", denies ? "deny" : "anonymous");
    text_append(
        out,
        ",\"how\":[\"The first entry whose `match` fits the repository decides; * stays within a name.\","
        "\"Use https://github.com/OWNER/NAME as the remote, https://HOST/PATH where `match` begins with a host. No login and no token is needed, and none helps.\","
        "\"Push to a branch that `push` allows: `example_push` is a command that is allowed. What `push` does "
        "not list is refused, main above all, unless it is true; then open a pull request from your branch.\","
        "\"`fetch` allows clone and fetch, `delete` to delete refs; `permissions` are those of api.github.com; "
        "what an entry does not say is not allowed.\"],"
        "\"when_refused\":\"The answer names the reason and what to do. Do not try again unchanged: use an "
        "allowed branch, or ask the operator of this workspace, with the answer's request id, for a rule.\"}\n");
}
