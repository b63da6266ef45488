#include "rule_draft.h"

#include <jansson.h>

#include "mem.h"
#include "policy.h"

// A ref, or a folder of refs as a pattern.
struct draft_ref {
    char *text;
    bool deleted;
};

struct draft_rule {
    char *match; // owner/name, or HOST/PATH of a host that is no GitHub; owned
    bool quoted; // as YAML wants it of a path
    bool fetch;
    bool push;                      // a push was seen, perhaps one whose refs are not known
    bool cut;                       // the log holds only some of a push's refs
    bool created;                   // a ref was created
    size_t api;                     // API requests that do not say what they need
    struct permissions permissions; // that the others need
    struct draft_ref *refs;
    size_t ref_count;
    size_t ref_capacity;
};

struct rule_draft {
    size_t events; // of any kind
    struct draft_rule *rules;
    size_t count;
    size_t capacity;
    size_t nameless; // API requests that named no repository
    char **hosts;    // that were tunnelled to, sorted; owned
    size_t host_count;
    size_t host_capacity;
    bool host_denied;
};

struct rule_draft *rule_draft_new(void)
{
    return mem_alloc_zero(1, sizeof(struct rule_draft));
}

void rule_draft_free(struct rule_draft *draft)
{
    if (!draft)
        return;
    for (size_t i = 0; i < draft->count; i++) {
        for (size_t k = 0; k < draft->rules[i].ref_count; k++)
            mem_free(draft->rules[i].refs[k].text);
        mem_free(draft->rules[i].refs);
        mem_free(draft->rules[i].match);
    }
    for (size_t i = 0; i < draft->host_count; i++)
        mem_free(draft->hosts[i]);
    mem_free(draft->hosts);
    mem_free(draft->rules);
    mem_free(draft);
}

static struct bytes string_member(json_t *object, const char *name)
{
    json_t *value = json_object_get(object, name);

    return bytes_of(json_string_value(value), json_string_length(value));
}

// Whether a rule could change what became of the request.
static bool needs_rule(json_t *event)
{
    static const enum reason mended[] = {
        REASON_NONE,           REASON_REPOSITORY_DENIED, REASON_FETCH_DENIED,      REASON_PUSH_DENIED,
        REASON_REF_DENIED,     REASON_CREATE_DENIED,     REASON_DELETE_DENIED,     REASON_LFS_DENIED,
        REASON_PATH_DENIED,    REASON_GRAPHQL_DENIED,    REASON_PERMISSION_DENIED, REASON_GITHUB_ANONYMOUS,
        REASON_PACK_TOO_LARGE, REASON_ANONYMOUS_DENIED,
    };
    struct bytes decision = string_member(event, "decision"), reason = string_member(event, "reason");

    if (bytes_equal(decision, BYTES("allow")))
        return true;
    if (bytes_equal(decision, BYTES("anonymous")))
        return bytes_equal(reason, bytes_of_string(reason_row(REASON_GITHUB_ANONYMOUS)->code));
    for (size_t i = 0; i < GL_ARRAY_SIZE(mended); i++)
        if (bytes_equal(reason, bytes_of_string(reason_row(mended[i])->code)))
            return true;
    return false;
}

// The rule of a repository, at its place in the order of names.
static struct draft_rule *rule_of(struct rule_draft *draft, const char *match, bool quoted)
{
    size_t at = 0;

    while (at < draft->count && strcmp(draft->rules[at].match, match) < 0)
        at++;
    if (at < draft->count && strcmp(draft->rules[at].match, match) == 0)
        return &draft->rules[at];
    draft->rules = mem_grow(draft->rules, &draft->capacity, draft->count + 1, sizeof(*draft->rules));
    memmove(&draft->rules[at + 1], &draft->rules[at], (draft->count - at) * sizeof(*draft->rules));
    draft->count++;
    draft->rules[at] = (struct draft_rule){.match = mem_string(match), .quoted = quoted};
    return &draft->rules[at];
}

// The `match` of the event's repository. False: it names none that a rule could.
static bool find_match(json_t *event, struct text *match)
{
    struct bytes full = string_member(event, "repository"), host = string_member(event, "host");
    struct bytes owner, name;
    struct repository_name repository;

    if (json_object_get(event, "host_type")) {
        text_append_bytes(match, host);
        text_append_char(match, '/');
        text_append_bytes(match, full);
        return host.size > 0 && full.size > 0 && !memchr(match->data, '*', match->size) &&
               !memchr(match->data, '\0', match->size);
    }
    bytes_cut(full, '/', &owner, &name);
    if (!repository_name_parse(owner, name, &repository))
        return false;
    text_format(match, "%s/%s", repository.owner, repository.name);
    return true;
}

static int rule_draft_compare_refs(const struct draft_ref *ref, struct bytes text, bool deleted)
{
    struct bytes own = bytes_of_string(ref->text);
    size_t size = own.size < text.size ? own.size : text.size;
    int order = ref->deleted - deleted;

    if (order == 0)
        order = memcmp(own.data, text.data, size);
    return order ? order : (own.size > text.size) - (own.size < text.size);
}

static void add_ref(struct draft_rule *rule, struct bytes text, bool deleted)
{
    size_t at = 0;

    while (at < rule->ref_count && rule_draft_compare_refs(&rule->refs[at], text, deleted) < 0)
        at++;
    if (at < rule->ref_count && rule_draft_compare_refs(&rule->refs[at], text, deleted) == 0)
        return;
    rule->refs = mem_grow(rule->refs, &rule->ref_capacity, rule->ref_count + 1, sizeof(*rule->refs));
    memmove(&rule->refs[at + 1], &rule->refs[at], (rule->ref_count - at) * sizeof(*rule->refs));
    rule->ref_count++;
    rule->refs[at] = (struct draft_ref){.text = mem_bytes_string(text), .deleted = deleted};
}

static bool rule_draft_id_zero(struct bytes id)
{
    return id.size && strspn(id.data, "0") == id.size;
}

static void add_push(struct draft_rule *rule, json_t *event)
{
    json_t *refs = json_object_get(event, "refs");
    json_t *item;
    size_t i;

    rule->push = true;
    rule->cut = rule->cut || json_object_get(event, "refs_count");
    json_array_foreach(refs, i, item) {
        struct bytes ref = string_member(item, "ref");
        bool deleted = rule_draft_id_zero(string_member(item, "new"));

        if (!push_ref_valid(ref))
            continue;
        rule->created = rule->created || (!deleted && rule_draft_id_zero(string_member(item, "old")));
        add_ref(rule, ref, deleted);
    }
}

// An API call, which says what it needs where GitHub was asked.
static void rule_draft_add_call(struct draft_rule *rule, json_t *event)
{
    json_t *needs = json_object_get(event, "needs"), *value;
    enum permission_level level;
    const char *name;

    rule->api += !json_is_object(needs);
    json_object_foreach(needs, name, value) {
        struct bytes word = bytes_of(json_string_value(value), json_string_length(value));

        if (!permission_level_parse(word, &level) || !permissions_add(&rule->permissions, bytes_of_string(name), level))
            rule->api++;
    }
}

static void rule_draft_add_event(struct rule_draft *draft, json_t *event)
{
    struct bytes operation = string_member(event, "operation");
    bool other_host = json_object_get(event, "host_type") != NULL;
    bool page = bytes_equal(operation, BYTES("other"));
    struct text match = {0};
    struct draft_rule *rule;

    if (!find_match(event, &match)) {
        draft->nameless += bytes_equal(operation, BYTES("api"));
    } else if (!page || (!other_host && bytes_equal(string_member(event, "decision"), BYTES("deny")))) {
        // Pages get no token: a rule helps one only where GitHub's are denied.
        rule = rule_of(draft, text_string(&match), other_host);
        if (bytes_equal(operation, BYTES("push")) || json_object_get(event, "refs"))
            add_push(rule, event); // an LFS request that writes is one, too
        else if (bytes_equal(operation, BYTES("api")))
            rule_draft_add_call(rule, event);
        else
            rule->fetch = true;
    }
    text_free(&match);
}

// A tunnel, or a CONNECT that was refused.
static void add_tunnel(struct rule_draft *draft, json_t *event)
{
    bool denied = bytes_equal(string_member(event, "reason"), bytes_of_string(reason_row(REASON_HOST_DENIED)->code));
    const char *host = json_string_value(json_object_get(event, "host"));
    size_t at = 0;

    if (!host || !(denied || bytes_equal(string_member(event, "decision"), BYTES("allow"))))
        return;
    draft->host_denied = draft->host_denied || denied;
    while (at < draft->host_count && strcmp(draft->hosts[at], host) < 0)
        at++;
    if (at < draft->host_count && strcmp(draft->hosts[at], host) == 0)
        return;
    draft->hosts = mem_grow(draft->hosts, &draft->host_capacity, draft->host_count + 1, sizeof(*draft->hosts));
    memmove(&draft->hosts[at + 1], &draft->hosts[at], (draft->host_count++ - at) * sizeof(*draft->hosts));
    draft->hosts[at] = mem_string(host);
}

bool rule_draft_add(struct rule_draft *draft, struct bytes line)
{
    json_t *event = json_loadb(line.data ? line.data : "", line.size, 0, NULL);
    bool read = json_is_object(event);

    draft->events += json_is_string(json_object_get(event, "event"));
    if (read && bytes_equal(string_member(event, "operation"), BYTES("tunnel")))
        add_tunnel(draft, event);
    else if (read && bytes_equal(string_member(event, "event"), BYTES("request")) && needs_rule(event))
        rule_draft_add_event(draft, event);
    json_decref(event);
    return read;
}

bool rule_draft_has_events(const struct rule_draft *draft)
{
    return draft->events > 0;
}

// The folder of a ref with the slash; empty where a pattern for it would open every branch.
static struct bytes folder_of(const char *ref)
{
    struct bytes folder = bytes_of_string(ref);

    while (folder.size && folder.data[folder.size - 1] != '/')
        folder.size--;
    return bytes_equal(folder, BYTES("refs/heads/")) || bytes_equal(folder, BYTES("refs/")) ? bytes_of(NULL, 0)
                                                                                            : folder;
}

static bool same_folder(const struct draft_ref *a, const struct draft_ref *b)
{
    return a->deleted == b->deleted && bytes_equal(folder_of(a->text), folder_of(b->text));
}

// How many refs from `at` on are of one folder and so many that they become one pattern; else 1. Sorted as
// they are, folders inside it may part them: then some stay as they are.
static size_t run_of(const struct draft_rule *rule, size_t at)
{
    size_t end = at + 1;

    if (folder_of(rule->refs[at].text).size == 0)
        return 1;
    while (end < rule->ref_count && same_folder(&rule->refs[at], &rule->refs[end]))
        end++;
    return end - at > RULE_DRAFT_REFS_MAX ? end - at : 1;
}

static void append_pattern(const struct draft_rule *rule, size_t at, size_t run, struct text *out)
{
    struct text pattern = {0};

    if (run == 1) {
        text_append(&pattern, rule->refs[at].text);
    } else {
        text_append_bytes(&pattern, folder_of(rule->refs[at].text));
        text_append_char(&pattern, '*');
    }
    // A YAML flow sequence takes JSON's strings.
    text_append_json_string(out, text_bytes(&pattern));
    text_free(&pattern);
}

// `push: [...]` or `delete: [...]`; nothing where there is no such ref.
static bool rule_draft_append_refs(const struct draft_rule *rule, bool deleted, struct text *out)
{
    bool any = false;
    size_t run;

    for (size_t at = 0; at < rule->ref_count; at += run) {
        run = run_of(rule, at);
        if (rule->refs[at].deleted != deleted)
            continue;
        text_append(out, any ? ", " : deleted ? "    delete: [" : "    push: [");
        append_pattern(rule, at, run, out);
        any = true;
    }
    if (any)
        text_append(out, "]\n");
    return any;
}

// Every token reads it; a rule needs to say so where it says nothing else.
static bool is_implied(const struct draft_rule *rule, const struct permission *permission)
{
    return strcmp(permission->name, "metadata") == 0 && permission->level == PERMISSION_READ &&
           (rule->fetch || rule->permissions.count > 1);
}

static void append_permissions(const struct draft_rule *rule, struct text *out)
{
    struct text bypassing = {0};
    size_t count = 0;

    if (!rule->api &&
        (rule->permissions.count == 0 || (rule->permissions.count == 1 && is_implied(rule, rule->permissions.items))))
        return;
    text_append(out, "    permissions: {");
    for (size_t i = 0; i < rule->permissions.count; i++) {
        const struct permission *item = &rule->permissions.items[i];

        if (is_implied(rule, item))
            continue;
        if (rule->push && rule_permission_bypasses(item))
            text_format(&bypassing, "    # %s: %s goes round `push`, and needs `accept_bypass: true`\n", item->name,
                        permission_level_name(item->level));
        else
            text_format(out, "%s%s: %s", count++ ? ", " : "", item->name, permission_level_name(item->level));
    }
    text_append_char(out, '}');
    if (rule->api)
        text_format(out, " # %zu API requests: name what they need", rule->api);
    text_format(out, "\n%s", text_string(&bypassing));
    text_free(&bypassing);
}

static void rule_draft_append_rule(const struct draft_rule *rule, struct text *out)
{
    text_append(out, "  - match: ");
    if (rule->quoted)
        text_append_json_string(out, bytes_of_string(rule->match));
    else
        text_append(out, rule->match);
    text_append_char(out, '\n');
    if (rule->fetch)
        text_append(out, "    fetch: true\n");
    if (rule_draft_append_refs(rule, false, out) && !rule->created)
        text_append(out, "    create: false\n");
    rule_draft_append_refs(rule, true, out);
    // A list may not be empty, and git makes no branch of this name: the push may begin, and nothing more.
    if (rule->push && rule->ref_count == 0)
        text_append(out, "    push: [\"refs/heads/-\"] # the log names no ref: `enforce: false` lets them be seen\n"
                         "    create: false\n");
    if (rule->cut)
        text_append(out, "    # a push named more refs than the log could hold\n");
    append_permissions(rule, out);
}

static void append_hosts(const struct rule_draft *draft, struct text *out)
{
    text_append(out, "other_hosts:\n  allow: [");
    for (size_t i = 0; i < draft->host_count; i++) {
        text_append(out, i ? ", " : "");
        text_append_json_string(out, bytes_of_string(draft->hosts[i]));
    }
    text_append(out, "]\n");
}

void rule_draft_append(const struct rule_draft *draft, struct text *out)
{
    text_append(out, draft->count ? "repositories:\n" : "repositories: []\n");
    for (size_t i = 0; i < draft->count; i++)
        rule_draft_append_rule(&draft->rules[i], out);
    if (draft->nameless)
        text_format(out,
                    "# %zu API requests named no repository: GraphQL needs `graphql: true`, others need "
                    "`permissions`\n",
                    draft->nameless);
    if (draft->host_denied)
        append_hosts(draft, out);
}
