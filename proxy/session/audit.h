// Audit events: one JSON object a line (product.md, "Audit event"). Never a token, nor a URL's query.
#ifndef GITLATCH_AUDIT_H
#define GITLATCH_AUDIT_H

#include <stdint.h>

#include <gitlatch/bytes.h>
#include <gitlatch/reason.h>

#include "clock.h"
#include "policy.h"
#include "push_commands.h"
#include "token_options.h"

enum audit_mode { AUDIT_PROXY, AUDIT_GATEWAY, AUDIT_TRANSPARENT };

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
    enum decision decision;
    const char *rule; // the rule's `match`
    enum reason reason;
    int status; // 0: none was sent
    uint64_t bytes_up, bytes_down;
    int64_t duration_ms;
    const char *source;
    const char *token; // fingerprint
    struct bytes user_agent;
    struct bytes github_request_id;
};

void audit_write(const struct audit_event *event, struct wall now);
// A token was asked for at a source.
void audit_mint(const struct token_mint_event *event, struct wall now);
// What the downward API says of this workspace, for the member `workspace`; NULL: not known. Once,
// at start.
void audit_set_workspace(const char *namespace, const char *pod, const char *service_account);

#endif
