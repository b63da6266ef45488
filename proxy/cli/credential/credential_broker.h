// One token of the cluster's broker for one repository, for whoever will hold it himself.
#ifndef GITLATCH_CREDENTIAL_BROKER_H
#define GITLATCH_CREDENTIAL_BROKER_H

#include <stdbool.h>

#include <gitlatch/attr.h>

#include "clock.h"
#include "credential_question.h"
#include "error.h"

struct secret;

struct credential_broker {
    const char *url;               // https
    const char *token_file;        // of the service account; its audience is `gitlatch-credential`
    const char *trust;             // NULL: the system's roots
    bool github_actions;           // the token is the job's own; `token_file` is NULL
    const char *certificate, *key; // NULL: none; instead of a token or beside it
};

struct credential_answer {
    struct secret *token; // a reference
    struct wall expires_at;
    struct repository_name renamed; // its name now, where git named another; all zero: the same
};

// Asks, and waits for the answer, at most some seconds. git does not tell a helper whether it will fetch or push, so
// the token may do with the contents whatever the broker grants: write where it grants that, else read. False: why
// there is none.
bool credential_broker_ask(const struct credential_broker *broker, const struct credential_question *question,
                           struct credential_answer *ret_answer, struct error *ret_error) GL_MUST_CHECK;

#endif
