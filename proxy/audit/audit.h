// Audit events: one JSON object a line. Never a token, nor a URL's query.
#ifndef GITLATCH_AUDIT_H
#define GITLATCH_AUDIT_H

#include <stddef.h>
#include <stdint.h>

#include <gitlatch/reason.h>

#include "bytes.h"
#include "clock.h"
#include "policy.h"
#include "push_commands.h"
#include "token_options.h"

struct loop;

// How a request came; AUDIT_BROKER, a token that was asked for, has no word in the event.
enum audit_mode { AUDIT_PROXY, AUDIT_GATEWAY, AUDIT_TRANSPARENT, AUDIT_BROKER };

// Where a workspace runs. NULL: not known.
struct audit_workspace {
    const char *namespace;
    const char *pod;
    const char *service_account;
    // Of a broker's caller that proved itself otherwise.
    const char *issuer;
    const char *subject;
    const char *certificate;
};

// A request or a tunnel that has ended. Empty views and NULL are left out.
struct audit_event {
    const char *event; // "request" or "tunnel"
    const char *id;
    const char *client; // address
    enum audit_mode mode;
    const char *host;
    const struct repository_name *repository;
    const char *host_type;       // of a host that is no GitHub, as `hosts[].type` has it; NULL: it is one
    const char *repository_path; // of a repository on such a host; NULL or empty: none
    const char *operation;
    struct bytes method, path; // of an API call or a page; without the query
    struct bytes needs;        // X-Accepted-GitHub-Permissions of GitHub's answer
    const struct push_commands *push;
    const char *lfs_ref; // an LFS request that writes: the ref it names, "" for none; NULL: no such request
    enum decision decision;
    const char *rule; // the rule's `match`
    enum reason reason;
    enum reason interrupted; // what ended the answer to a request that was refused, before the client had it
    const char *retried;     // why GitHub was asked again
    int status;              // 0: none was sent
    uint64_t bytes_up, bytes_down;
    int64_t duration_ms;
    const char *source;
    const char *scope;                       // of the token that was asked for: "acme/widgets contents:write"
    const char *token;                       // fingerprint
    const struct audit_workspace *workspace; // that asked; NULL: the one of audit_set_workspace
    struct bytes user_agent;
    struct bytes github_request_id;
    size_t room; // of audit_keep_room: this event is not lost; 0: none was kept
};

// Keeps room in the log for the event of a write that GitHub is about to be asked for, so that what was done is on record
// however slow the log is. 0: there is none, since the log hangs. `push` NULL: no push.
size_t audit_keep_room(const struct push_commands *push) GL_MUST_CHECK;

// A refusal that the log has no room for waits; those of one client for one reason become one event that counts them
// (`repeated`).
void audit_write(const struct audit_event *event, struct wall now);
// A token was asked for at a source.
void audit_mint(const struct token_mint_event *event, struct wall now);
// A workspace asked for the signature of a commit or a tag.
struct audit_sign_event {
    const char *client;  // "uid 1000"
    const char *blob;    // SHA-256 of what was to be signed
    const char *result;  // "ok", "refused", "failed"
    const char *message; // why, of the latter two; NULL for "ok"
};
void audit_sign(const struct audit_sign_event *event, struct wall now);
// From now on refusals wait in this loop for room in the log; until then none waits. audit_stop gives the log what still
// waits, and is called before the loop and the log end.
void audit_start(struct loop *loop);
void audit_stop(void);
// What the downward API says of this process, for the member `workspace`. Once, at start.
void audit_set_workspace(const struct audit_workspace *workspace);

#endif
