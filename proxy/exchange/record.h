// What is recorded of a request or a tunnel at its end: metrics, and its audit event.
#ifndef GITLATCH_RECORD_H
#define GITLATCH_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <gitlatch/reason.h>

#include "body_gate.h"
#include "client.h"
#include "clock.h"
#include "policy.h"
#include "request.h"

struct text;

struct record {
    const struct client *client;
    const char *id;
    struct mono started;
    enum decision decision;
    enum reason reason;      // why it was refused, or failed
    enum reason interrupted; // what ended it before the client had the answer; `reason` was known before
    const char *retried;     // why the last try at GitHub that failed was made again; NULL: none was
    enum reason would_deny;  // not enforced: why it would have been refused
    const struct rule *rule; // that decided, or would have refused; NULL: none
    int status;              // that the client was sent; 0: none
    uint64_t bytes_up, bytes_down;
    const char *source; // of the token; NULL: none was attached
    const char *token;  // its fingerprint
    const char *github_request_id;
    const char *needs; // what GitHub says the call needs (accepted_permissions.h)
    size_t room;       // in the log, kept for this event (audit.h)
};

// Whether the request changes something at GitHub, which must be on record. `gate` NULL: the body was passed on unseen.
bool record_is_write(const struct request *request, const struct body_gate *gate);

// `gate` NULL: the body was passed on unseen.
void record_request(const struct record *record, const struct request *request, const struct body_gate *gate);
// Appends a request in progress as a JSON object. `more`: it follows another one.
void record_describe(const struct record *record, const struct request *request, bool more, struct text *text);
// `record->decision` DECISION_DENY: the tunnel was refused, or cut by a rule.
void record_tunnel(const struct record *record, const char *host);

#endif
