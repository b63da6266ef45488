#include "audit.h"

#include "accepted_permissions.h"
#include "audit_refs.h"
#include "audit_ring.h"
#include "log.h"
#include "loop.h"
#include "mem.h"
#include "redact.h"
#include "refusals.h"
#include "text.h"

#define USER_AGENT_MAX ((size_t)256)
// A longer path is cut: GitHub's own take less.
#define PATH_MAX_SHOWN ((size_t)512)
// What an event takes beside the refs of a push: a path, a user agent and names, each escaped, and members of fixed length.
#define EVENT_SIZE_MAX ((size_t)4 * KIB)
// While the log is too slow, refusals are offered to it so often.
#define OFFER_INTERVAL_MS (1 * SECOND_MS)

static char *workspace_json; // `,"workspace":{…}`; NULL: not known

// Refusals that wait for room in the log. Without a loop (before audit_start) none waits.
static struct refusals waiting = {.list = TAILQ_HEAD_INITIALIZER(waiting.list)};
static struct loop *offer_loop;
static struct timer offer_timer;

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
static struct text *audit_begin(struct wall now)
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

// Gives the log what waits, as far as it takes it, as `kind`.
static void offer_waiting(enum log_audit_kind kind)
{
    static struct text line;
    const struct refusal *refusal;

    while ((refusal = refusals_first(&waiting)) != NULL) {
        text_clear(&line);
        refusal_append(refusal, &line);
        if (!log_audit(text_bytes(&line), kind, 0))
            return;
        audit_ring_add(text_bytes(&line));
        refusals_drop(&waiting);
    }
}

static void on_offer(void *arg)
{
    offer_waiting(LOG_AUDIT_REFUSAL);
    if (refusals_first(&waiting))
        timer_start(&offer_timer, OFFER_INTERVAL_MS);
}

void audit_start(struct loop *loop)
{
    offer_loop = loop;
    timer_init(&offer_timer, loop, on_offer, NULL);
}

void audit_stop(void)
{
    const struct refusal *refusal;

    if (!offer_loop)
        return;
    timer_stop(&offer_timer);
    offer_loop = NULL;
    offer_waiting(LOG_AUDIT_OTHER);
    while ((refusal = refusals_first(&waiting)) != NULL) {
        log_audit_lost(refusal->count);
        refusals_drop(&waiting);
    }
}

static void end_object(struct text *text, const struct audit_workspace *workspace)
{
    if (workspace)
        add_workspace(text, workspace);
    else if (workspace_json)
        text_append(text, workspace_json);
    text_append_char(text, '}');
    // A path or a user agent may hold what the admin's page must not show either.
    text->size = redact(text->data, text->size);
}

static void audit_finish(struct text *text, const struct audit_workspace *workspace, enum log_audit_kind kind,
                         size_t room)
{
    end_object(text, workspace);
    if (!log_audit(text_bytes(text), kind, room))
        log_audit_lost(1);
    audit_ring_add(text_bytes(text));
}

// What the log has no room for waits, and is merged meanwhile. In their order: what comes while others wait, waits too.
static void finish_refusal(struct text *text, const struct audit_event *event)
{
    end_object(text, event->workspace);
    offer_waiting(LOG_AUDIT_REFUSAL);
    if (!refusals_first(&waiting) && log_audit(text_bytes(text), LOG_AUDIT_REFUSAL, 0)) {
        audit_ring_add(text_bytes(text));
        return;
    }
    if (!offer_loop || !refusals_add(&waiting, event->client, event->reason, text_bytes(text)))
        log_audit_lost(1);
    else if (!timer_pending(&offer_timer))
        timer_start(&offer_timer, OFFER_INTERVAL_MS);
}

static size_t room_of(const struct push_commands *push)
{
    return EVENT_SIZE_MAX + (push ? audit_refs_size(push) : 0);
}

size_t audit_keep_room(const struct push_commands *push)
{
    size_t room = room_of(push);

    return log_audit_keep(room) ? room : 0;
}

// The characters of both kinds of names need no escape (repository_name_parse, git_host_route.c).
static void add_repository(struct text *text, const struct audit_event *event)
{
    const struct repository_name *repository = event->repository;
    bool github = repository && repository->owner[0] && repository->name[0];

    if (!github && !(event->repository_path && event->repository_path[0]))
        return;
    text_append_bytes(text, WORD("repository"));
    text_append_bytes(text, bytes_of_string(github ? repository->owner : event->repository_path));
    if (github) {
        text_append_char(text, '/');
        text_append_bytes(text, bytes_of_string(repository->name));
    }
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
    add_word(text, WORD("interrupted"), reason_row(event->interrupted)->code);
    add_word(text, WORD("retried"), event->retried);
    if (event->status)
        add_number(text, MEMBER("status"), (uint64_t)event->status);
    add_number(text, MEMBER("bytes_up"), event->bytes_up);
    add_number(text, MEMBER("bytes_down"), event->bytes_down);
    add_number(text, MEMBER("duration_ms"), (uint64_t)event->duration_ms);
    add_word(text, WORD("source"), event->source);
    add_c_string(text, MEMBER("scope"), event->scope);
    add_word(text, WORD("token"), event->token);
}

static void add_cut_string(struct text *text, struct bytes member, struct bytes value, size_t size)
{
    add_string(text, member, bytes_of(value.data, value.size < size ? value.size : size));
}

// The first set that would do, as a rule's `permissions` has it.
static void add_needs(struct text *text, struct bytes needs)
{
    struct permissions set;

    if (!accepted_permissions_next(&needs, &set))
        return;
    text_append(text, ",\"needs\":{");
    for (size_t i = 0; i < set.count; i++)
        text_format(text, "%s\"%s\":\"%s\"", i ? "," : "", set.items[i].name,
                    permission_level_name(set.items[i].level));
    text_append_char(text, '}');
}

void audit_write(const struct audit_event *event, struct wall now)
{
    static const char *const modes[] = {"proxy", "gateway", "transparent", NULL};
    struct bytes agent = event->user_agent;
    struct text *text = audit_begin(now);

    add_word(text, WORD("event"), event->event);
    add_word(text, WORD("id"), event->id);
    add_word(text, WORD("client"), event->client);
    add_word(text, WORD("mode"), modes[event->mode]);
    add_c_string(text, MEMBER("host"), event->host);
    if (event->host_type)
        add_word(text, WORD("host_type"), event->host_type);
    add_repository(text, event);
    add_word(text, WORD("operation"), event->operation);
    add_string(text, MEMBER("method"), event->method);
    add_cut_string(text, MEMBER("path"), event->path, PATH_MAX_SHOWN);
    add_needs(text, event->needs);
    if (event->push && push_commands_count(event->push) > 0)
        audit_refs_append(event->push, text);
    if (event->lfs_ref)
        add_lfs_ref(text, event->lfs_ref);
    add_outcome(text, event);
    add_string(text, MEMBER("user_agent"),
               bytes_of(agent.data, agent.size < USER_AGENT_MAX ? agent.size : USER_AGENT_MAX));
    add_string(text, MEMBER("github_request_id"), event->github_request_id);
    if (event->room > 0)
        audit_finish(text, event->workspace, LOG_AUDIT_KEPT, event->room);
    else if (event->decision == DECISION_DENY)
        finish_refusal(text, event);
    else
        audit_finish(text, event->workspace, LOG_AUDIT_OTHER, 0);
}

void audit_mint(const struct token_mint_event *event, struct wall now)
{
    struct text *text = audit_begin(now);

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
    audit_finish(text, NULL, LOG_AUDIT_OTHER, 0);
}

void audit_sign(const struct audit_sign_event *event, struct wall now)
{
    struct text *text = audit_begin(now);

    add_word(text, WORD("event"), "sign");
    add_word(text, WORD("client"), event->client);
    add_word(text, WORD("blob"), event->blob);
    add_word(text, WORD("result"), event->result);
    add_c_string(text, MEMBER("message"), event->message);
    audit_finish(text, NULL, LOG_AUDIT_OTHER, 0);
}
