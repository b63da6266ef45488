#include "audit.h"

#include "audit_ring.h"
#include "log.h"
#include "mem.h"
#include "text.h"

// A push of 20,000 refs of 120 bytes would take 5 MB: its list is cut, and the event says how many there were.
#define REFS_SIZE_MAX  (LOG_AUDIT_LINE_MAX - (size_t)8 * KIB)
#define USER_AGENT_MAX ((size_t)256)

static char *workspace_json; // `,"workspace":{…}`; NULL: not known

// What stands before a member's value.
#define MEMBER(name) BYTES(",\"" name "\":")
// What stands before a value that is a word of our own.
#define WORD(name) BYTES(",\"" name "\":\"")

static void add_string(struct text *text, struct bytes member, struct bytes value)
{
    if (value.size == 0)
        return;
    text_append_bytes(text, member);
    text_append_json_string(text, value);
}

// Nothing in a word of our own needs an escape.
static void add_word(struct text *text, struct bytes before, const char *value)
{
    if (!value || !*value)
        return;
    text_append_bytes(text, before);
    text_append_bytes(text, bytes_of_string(value));
    text_append_char(text, '"');
}

static void add_number(struct text *text, struct bytes member, uint64_t value)
{
    text_append_bytes(text, member);
    text_append_number(text, value);
}

static void add_c_string(struct text *text, struct bytes member, const char *value)
{
    add_string(text, member, bytes_of_string(value));
}

// A new event, in the memory of the one before.
static struct text *begin(struct wall now)
{
    static struct text text;
    char time[WALL_TEXT_SIZE];

    text_clear(&text);
    wall_format_rfc3339(now, WALL_MILLISECONDS, time);
    text_append_bytes(&text, BYTES("{\"ts\":\""));
    text_append_bytes(&text, bytes_of(time, sizeof(time) - 1));
    text_append_char(&text, '"');
    return &text;
}

static void add_workspace(struct text *text, const struct audit_workspace *workspace)
{
    struct text members = {0};

    add_c_string(&members, MEMBER("namespace"), workspace->namespace);
    add_c_string(&members, MEMBER("pod"), workspace->pod);
    add_c_string(&members, MEMBER("service_account"), workspace->service_account);
    add_c_string(&members, MEMBER("issuer"), workspace->issuer);
    add_c_string(&members, MEMBER("subject"), workspace->subject);
    add_c_string(&members, MEMBER("certificate"), workspace->certificate);
    if (members.size > 0)
        text_format(text, ",\"workspace\":{%s}", text_string(&members) + 1);
    text_free(&members);
}

void audit_set_workspace(const struct audit_workspace *workspace)
{
    struct text text = {0};

    add_workspace(&text, workspace);
    mem_free(workspace_json);
    workspace_json = mem_string(text.data);
    text_free(&text);
}

static void add_refs(struct text *text, const struct push_commands *push)
{
    size_t count = push_commands_count(push), i;

    text_append(text, ",\"refs\":[");
    for (i = 0; i < count && text->size < REFS_SIZE_MAX; i++) {
        struct push_command command = push_commands_at(push, i);

        text_append(text, i > 0 ? ",{\"ref\":" : "{\"ref\":");
        text_append_json_string(text, command.ref);
        text_append(text, ",\"old\":");
        text_append_json_string(text, command.old_id);
        text_append(text, ",\"new\":");
        text_append_json_string(text, command.new_id);
        text_append(text, "}");
    }
    text_append(text, "]");
    if (i < count)
        text_format(text, ",\"refs_count\":%zu", count);
}

// Git LFS names a branch, and no ids.
static void add_lfs_ref(struct text *text, const char *ref)
{
    text_append(text, ",\"refs\":[");
    if (*ref) {
        text_append(text, "{\"ref\":");
        text_append_json_string(text, bytes_of_string(ref));
        text_append(text, "}");
    }
    text_append(text, "]");
}

static void finish(struct text *text, const struct audit_workspace *workspace)
{
    if (workspace)
        add_workspace(text, workspace);
    else if (workspace_json)
        text_append(text, workspace_json);
    text_append_char(text, '}');
    log_audit(text_bytes(text));
    audit_ring_add(text_bytes(text));
}

static void add_repository(struct text *text, const struct repository_name *repository)
{
    if (!repository || !repository->owner[0] || !repository->name[0])
        return;
    // A name's characters need no escape (repository_name_parse).
    text_append_bytes(text, WORD("repository"));
    text_append_bytes(text, bytes_of_string(repository->owner));
    text_append_char(text, '/');
    text_append_bytes(text, bytes_of_string(repository->name));
    text_append_char(text, '"');
}

static const char *decision_name(enum decision decision)
{
    switch (decision) {
    case DECISION_ALLOW:
        return "allow";
    case DECISION_DENY:
        return "deny";
    case DECISION_ANONYMOUS:
        return "anonymous";
    }
    return "";
}

static void add_outcome(struct text *text, const struct audit_event *event)
{
    add_word(text, WORD("decision"), decision_name(event->decision));
    add_c_string(text, MEMBER("rule"), event->rule);
    add_word(text, WORD("reason"), reason_row(event->reason)->code);
    if (event->status)
        add_number(text, MEMBER("status"), (uint64_t)event->status);
    add_number(text, MEMBER("bytes_up"), event->bytes_up);
    add_number(text, MEMBER("bytes_down"), event->bytes_down);
    add_number(text, MEMBER("duration_ms"), (uint64_t)event->duration_ms);
    add_word(text, WORD("source"), event->source);
    add_c_string(text, MEMBER("scope"), event->scope);
    add_word(text, WORD("token"), event->token);
}

void audit_write(const struct audit_event *event, struct wall now)
{
    static const char *const modes[] = {"proxy", "gateway", "transparent", NULL};
    struct bytes agent = event->user_agent;
    struct text *text = begin(now);

    add_word(text, WORD("event"), event->event);
    add_word(text, WORD("id"), event->id);
    add_word(text, WORD("client"), event->client);
    add_word(text, WORD("mode"), modes[event->mode]);
    add_c_string(text, MEMBER("host"), event->host);
    add_repository(text, event->repository);
    add_word(text, WORD("operation"), event->operation);
    if (event->push && push_commands_count(event->push) > 0)
        add_refs(text, event->push);
    if (event->lfs_ref)
        add_lfs_ref(text, event->lfs_ref);
    add_outcome(text, event);
    add_string(text, MEMBER("user_agent"),
               bytes_of(agent.data, agent.size < USER_AGENT_MAX ? agent.size : USER_AGENT_MAX));
    add_string(text, MEMBER("github_request_id"), event->github_request_id);
    finish(text, event->workspace);
}

void audit_mint(const struct token_mint_event *event, struct wall now)
{
    struct text *text = begin(now);

    add_word(text, WORD("event"), "mint");
    add_c_string(text, MEMBER("host"), event->host);
    add_c_string(text, MEMBER("repository"), event->repository);
    add_word(text, WORD("source"), event->source);
    add_c_string(text, MEMBER("scope"), event->scope);
    add_word(text, WORD("result"), event->verdict ? "failed" : "ok");
    if (event->verdict) {
        add_word(text, WORD("reason"), reason_row(event->verdict->reason)->code);
        add_c_string(text, MEMBER("message"), event->verdict->sentence);
    }
    add_word(text, WORD("token"), event->fingerprint);
    text_format(text, ",\"duration_ms\":%lld", (long long)event->duration_ms);
    finish(text, NULL);
}

void audit_sign(const struct audit_sign_event *event, struct wall now)
{
    struct text *text = begin(now);

    add_word(text, WORD("event"), "sign");
    add_word(text, WORD("client"), event->client);
    add_word(text, WORD("blob"), event->blob);
    add_word(text, WORD("result"), event->result);
    add_c_string(text, MEMBER("message"), event->message);
    finish(text, NULL);
}
