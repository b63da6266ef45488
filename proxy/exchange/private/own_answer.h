// An answer that GitHub did not give: a refusal or failure in the form that the request's operation can show, the answer to
// git's probe, or a capability advertisement that was kept.
#ifndef GITLATCH_OWN_ANSWER_H
#define GITLATCH_OWN_ANSWER_H

#include <stdbool.h>
#include <stdint.h>

#include <gitlatch/attr.h>
#include <gitlatch/verdict.h>

#include "body_gate.h"
#include "budget.h"
#include "client.h"
#include "policy.h"
#include "request.h"
#include "text.h"

// OWN_ANSWER_AMENDED: GitHub's head with a body that was changed.
enum own_answer_kind {
    OWN_ANSWER_VERDICT,
    OWN_ANSWER_PROBE,
    OWN_ANSWER_KEPT,
    OWN_ANSWER_LFS,
    OWN_ANSWER_AMENDED,
};

enum own_answer_result {
    OWN_ANSWER_MORE,      // the client has to take more first
    OWN_ANSWER_SENT,      // all is given to the client
    OWN_ANSWER_TOO_LARGE, // its head does not fit: cannot happen
};

// What the answer is about.
struct own_answer_context {
    const struct client *client;
    const struct request *request;
    const struct verdict *verdict;    // OWN_ANSWER_VERDICT
    const struct body_gate *gate;     // NULL: none
    const struct push_decision *push; // `reasons` NULL: no push was decided
    struct budget_share *budget;      // the exchange's, from which a long answer is held
    bool close;                       // the client's connection ends with this answer
};

// A copy of GitHub's head.
struct amended_head {
    struct head head;
    char bytes[];
};

struct own_answer {
    enum own_answer_kind kind;
    int status;                   // 0: nothing was sent yet
    struct text body;             // OWN_ANSWER_KEPT, …_LFS, …_AMENDED: set by who begins the answer
    struct amended_head *amended; // OWN_ANSWER_AMENDED; NULL: else
    size_t sent;                  // of the body
};

void own_answer_init(struct own_answer *answer);
void own_answer_clear(struct own_answer *answer);
// Keeps a copy of GitHub's head, for OWN_ANSWER_AMENDED; which is given.
const struct head *own_answer_amend(struct own_answer *answer, const struct head *head);
// Sends the answer, or what is left of it, once the client has taken what it was sent before.
enum own_answer_result own_answer_send(struct own_answer *answer, const struct own_answer_context *context)
    GL_MUST_CHECK;

#endif
