#include "run_rules.h"

#include "bytes.h"
#include "mem.h"
#include "text.h"

// A ref pattern: "agent/*" and "*" are of branches.
static void append_ref(struct text *text, const char *pattern)
{
    bool whole = bytes_start_with(bytes_of_string(pattern), BYTES("refs/"));
    char *ref = mem_format("%s%s", whole ? "" : "refs/heads/", pattern);

    text_append_json_string(text, bytes_of_string(ref));
    mem_free(ref);
}

static void append_permissions(struct text *text, struct bytes list)
{
    struct bytes item, name, level;
    const char *before = ", permissions: {";
    bool more = true;

    while (more) {
        more = bytes_cut(list, ',', &item, &list);
        bytes_cut(item, '=', &name, &level);
        text_append(text, before);
        text_append_json_string(text, name);
        text_append(text, ": ");
        text_append_json_string(text, level);
        before = ", ";
    }
    text_append_char(text, '}');
}

static void append_rule(struct text *text, const struct run_rules *rules, const char *repository)
{
    text_append(text, "  - {match: ");
    text_append_json_string(text, bytes_of_string(repository)); // a JSON string is a YAML one
    text_append(text, ", fetch: true");
    for (size_t i = 0; i < rules->push_count; i++) {
        text_append(text, i == 0 ? ", push: [" : ", ");
        append_ref(text, rules->pushes[i]);
    }
    if (rules->push_count)
        text_append_char(text, ']');
    if (rules->permissions)
        append_permissions(text, bytes_of_string(rules->permissions));
    text_append(text, "}\n");
}

char *run_rules_text(const struct run_rules *rules, struct error *ret_error)
{
    struct text text = {0};
    char *copy;

    if (rules->push_count > 0 && rules->repository_count == 0) {
        error_set(ret_error, "--push needs --repo OWNER/NAME, the repository that may be pushed to");
        return NULL;
    }
    if (rules->permissions && rules->repository_count == 0) {
        error_set(ret_error, "--permissions needs --repo OWNER/NAME, the repository whose API they are for");
        return NULL;
    }
    if (rules->repository_count > 0)
        text_append(&text, "other_repositories: deny\nrepositories:\n");
    for (size_t i = 0; i < rules->repository_count; i++)
        append_rule(&text, rules, rules->repositories[i]);
    copy = mem_string(text_string(&text));
    text_free(&text);
    return copy;
}
