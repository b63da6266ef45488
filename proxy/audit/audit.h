// Audit events: one JSON object a line. Never a token, nor a URL's query.
#ifndef GITLATCH_AUDIT_H
#define GITLATCH_AUDIT_H

#include <stdint.h>

#include <gitlatch/reason.h>

#include "bytes.h"
#include "clock.h"
#include "policy.h"
#include "push_commands.h"
#include "token_options.h"

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
    const char *operation;
    const struct push_commands *push;
    const char *lfs_ref; // an LFS request that writes: the ref it names, "" for none; NULL: no such request
    enum decision decision;
    const char *rule; // the rule's `match`
    enum reason reason;
    int status; // 0: none was sent
    uint64_t bytes_up, bytes_down;
    int64_t duration_ms;
    const char *source;
    const char *scope;                       // of the token that was asked for: "acme/widgets contents:write"
    const char *token;                       // fingerprint
    const struct audit_workspace *workspace; // that asked; NULL: the one of audit_set_workspace
    struct bytes user_agent;
    struct bytes github_request_id;
};

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
// What the downward API says of this process, for the member `workspace`. Once, at start.
void audit_set_workspace(const struct audit_workspace *workspace);

#endif
