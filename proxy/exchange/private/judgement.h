// What the rules say to a request: by its head, then by what its body names. No stream, no connection.
//
// With a broker the rules are those that it grants. What they do not cover may be allowed by this configuration's own
// rules alone; then no token of the broker is used. Where rules are not enforced (`enforce: false`), what would have been
// refused is recorded, and no rules decide from then on.
#ifndef GITLATCH_JUDGEMENT_H
#define GITLATCH_JUDGEMENT_H

#include <stdbool.h>

#include <gitlatch/attr.h>
#include <gitlatch/verdict.h>

#include "body_gate.h"
#include "granted_rules.h"
#include "policy.h"
#include "request.h"
#include "runtime.h"

struct token;
struct token_request;

enum judgement_result {
    JUDGEMENT_ALLOWED,
    JUDGEMENT_REFUSED, // see `refusal`
    JUDGEMENT_LATER,   // a broker's rules or a repository's name are waited for: the callback comes
};

// The judgement of the head that was left for later is there: allowed or refused.
typedef void judgement_done_fn(void *arg, enum judgement_result result);

struct judgement {
    struct request *request;
    struct runtime *runtime;
    judgement_done_fn *done;
    void *arg;
    const struct rules *rules;                // that decide
    struct ruling *ruling;                    // a reference: a broker's rules; NULL: the configuration's own
    struct granted_request *granted_request;  // for a broker's rules, in progress
    struct token_request *repository_request; // for a repository's name, in progress
    struct verdict *outside_grant; // own rules alone allow it: why no token of the broker is used; NULL: else
    struct verdict *without_token; // why the request goes to GitHub without one, although rules allow one; NULL: else
    const struct rule *refusing_rule; // that would have refused, see `would_deny`
    // What follows is not cleared for a new request, see request.h.
    struct policy_decision decision;
    struct push_decision push; // `reasons` NULL: no push was decided
    struct verdict refusal;    // JUDGEMENT_REFUSED
    struct verdict would_deny; // not enforced: what would have been refused; else REASON_NONE
};

void judgement_init(struct judgement *judgement, struct request *request, struct runtime *runtime,
                    judgement_done_fn *done, void *arg);
// Stops what is in progress.
void judgement_stop(struct judgement *judgement);
void judgement_clear(struct judgement *judgement);

// Judges by the head.
enum judgement_result judgement_of_head(struct judgement *judgement) GL_MUST_CHECK;
// Judges by what the gate has read of the body.
enum judgement_result judgement_of_body(struct judgement *judgement, const struct body_gate *gate) GL_MUST_CHECK;
// Judges the token that is about to be attached: one of a broker does not serve what lies outside its grant. `token` NULL:
// there is none.
enum judgement_result judgement_of_token(struct judgement *judgement, const struct token *token) GL_MUST_CHECK;

// True: the request is refused, since rules are enforced. False: what would have been refused is recorded.
bool judgement_refuse_or_note(struct judgement *judgement, const struct verdict *verdict) GL_MUST_CHECK;
// A token was refused because it is wide and could pass round the rules. Where rules are not enforced that is recorded,
// and `decision.scope` asks for one as if there were none: true.
bool judgement_waives_rules(struct judgement *judgement, const struct verdict *verdict) GL_MUST_CHECK;

// No token can be had. A read of a repository then goes on without one, since the repository may be public, where
// `other_repositories` is anonymous: true. `decision` is anonymous from then on.
bool judgement_does_without_token(struct judgement *judgement, const struct verdict *verdict) GL_MUST_CHECK;

// Whether a token is attached.
static inline bool judgement_wants_token(const struct judgement *judgement)
{
    return judgement->decision.decision == DECISION_ALLOW;
}

#endif
