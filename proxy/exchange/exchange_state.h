// The inside of an exchange, shared by exchange*.c.
//
//   exchange.c           beginning, deciding, the end
//   exchange_rules.c     the rules it is decided by
//   exchange_request.c   the client's bytes on their way up: gate, sending, draining
//   exchange_upstream.c  token and connection: asked for, waited for, asked for again
//   exchange_response.c  GitHub's bytes on their way down
//   exchange_answer.c    an answer of our own
//   exchange_event.c     what is told of it: metrics and audit
//   exchange_capabilities.c  what of GitHub's answers is kept for the next request
#ifndef GITLATCH_EXCHANGE_STATE_H
#define GITLATCH_EXCHANGE_STATE_H

#include <stdint.h>

#include <gitlatch/token_service.h>

#include "body_gate.h"
#include "exchange.h"
#include "granted_rules.h"
#include "loop.h"
#include "operation.h"
#include "policy.h"
#include "pump.h"
#include "server_state.h"
#include "target.h"
#include "text.h"

struct pool_request;
struct upstream;

// What the request's side does with the client's bytes.
enum request_state {
    REQUEST_INSPECT, // the gate reads the body
    REQUEST_WAIT,    // for a repository's name, the token, the upstream, or a pause before another try
    REQUEST_SEND,    // head and body go to GitHub
    REQUEST_SENT,    // all of it went
    REQUEST_DRAIN,   // it is refused: the body is read to its end and forgotten
    REQUEST_DROPPED, // drained
};

// What the answer's side does with GitHub's bytes.
enum response_state {
    RESPONSE_NONE,  // nothing was sent that could be answered
    RESPONSE_HEAD,  // GitHub's head is awaited
    RESPONSE_ERROR, // an error's body is read, to be quoted
    RESPONSE_BODY,  // the body goes to the client
    RESPONSE_OWN,   // an answer of our own goes to the client
    RESPONSE_DONE,
};

// A request whose body is at most this long can be sent again as long as no byte of an answer has gone out: git's
// fetch requests have 1 to 60 KiB, an LFS batch of 100 objects 12 KiB.
#define EXCHANGE_REPLAY_MAX ((size_t)64 * KIB)
// Of GitHub's words in an error: enough for its sentence.
#define EXCHANGE_QUOTE_MAX ((size_t)2 * KIB)
// Heads up to this size are kept in the exchange itself.
#define EXCHANGE_HEAD_SIZE ((size_t)4 * KIB)

// What of the request's body is kept: what the gate has read, and what may be sent again.
struct held_body {
    char *data;
    size_t size, capacity;
    size_t sent;   // of it, on the present connection
    bool complete; // all that was taken from the client is here
};

struct exchange {
    struct session *session;
    struct runtime *runtime; // a reference: the configuration that decides
    char id[REQUEST_ID_SIZE];
    struct mono started;
    struct mono moved; // when a byte last moved
    struct timer idle;
    struct deferred release; // it is freed from the loop: whoever called still looks at it

    // The request.
    char *head_bytes; // the head's copy, of which `request` holds views: `head_room`, where it is not larger
    bool has_request; // false: what came was no request
    struct target target;
    const struct runtime_github *github;
    struct operation operation;              // OPERATION_KIND_COUNT: not known
    const struct rules *rules;               // that decide
    struct ruling *ruling;                   // a reference: a broker's rules; NULL: the configuration's
    struct granted_request *granted_request; // for rules that are not known yet, under way
    struct verdict *beyond; // own rules alone allow it: why no token of the broker is used; NULL: nothing is against it
    const struct rule *noted_rule; // the rule that would have refused, see `noted`

    enum request_state request_state;
    struct pump up;
    struct body_gate *gate; // NULL: the body is passed on unseen
    bool gate_done;
    bool awaits_continue; // the client holds its body back until it is told 100 (Continue)
    struct held_body held;

    // Token and connection.
    struct token_request *token_request; // under way
    bool token_ready;                    // had, or not needed
    struct token *token;                 // NULL: none is attached
    const char *source;
    struct pool_request *pool_request; // under way
    struct upstream *upstream;
    uint64_t written_before; // bytes of earlier requests on that connection
    unsigned tries;          // that failed and were made again
    bool renewed;            // a token was dropped for a 401
    struct timer pause;      // before the next try

    // The answer.
    enum response_state response_state;
    struct pump down;
    bool kept_answer;     // `own` is an answer of GitHub's that was kept
    bool answered;        // bytes of an answer have gone out
    bool client_closes;   // the client's connection ends with this exchange
    bool upstream_closes; // GitHub's does
    int status;           // that the client was sent
    struct text own;      // the body of an answer of our own, what is quoted, or a copy (`copied`)
    struct body copied;   // the answer as it is copied while it is passed on
    size_t copy_max;      // most bytes of it that are copied; 0: it is not
    size_t own_sent;
    bool quote_is_text; // GitHub's error is text for people,
    bool quote_is_gzip; // and compressed
    unsigned quote_retry_after_s;
    char github_request_id[64];
    uint64_t bytes_up, bytes_down;

    // Of what follows, 19 KiB, a new exchange sets what is read before the rest is there: to clear it all would cost more
    // than to parse a request.
    struct policy_decision decision;
    struct push_decision push; // its `reasons` NULL: none yet
    struct verdict verdict;    // REASON_NONE: none; an answer's `retry_after_s` even then
    struct verdict noted;      // `enforce: false`: what would have been refused; else REASON_NONE
    struct head request;       // where `has_request`
    struct head response;      // from RESPONSE_HEAD on
    char head_room[EXCHANGE_HEAD_SIZE];
};

// exchange.c
void exchange_moved(struct exchange *exchange);
// Whether refusals are meant (`enforce`): true gives it to exchange_refuse, false notes it and goes on.
bool exchange_enforce(struct exchange *exchange, const struct verdict *verdict);
// The gate has read what it wants to know.
void exchange_gate_decided(struct exchange *exchange);
// Both sides are done: the event is written, the client's next request has its turn.
void exchange_finish(struct exchange *exchange);

// The rules are known: decides, and begins.
void exchange_decide(struct exchange *exchange);

// exchange_rules.c
// Finds the rules; false: they are waited for, and exchange_decide is called then.
bool exchange_find_rules(struct exchange *exchange) GL_MUST_CHECK;
// What lies beyond the broker's grant (by `verdict`, or without one where it is no more than not allowed) may be had of
// another source, where own rules allow it: from here on they decide alone, and have decided anew. False: nothing of
// the kind.
bool exchange_leave_grant(struct exchange *exchange, const struct verdict *verdict);
// True: refused, since the token that came for it is the broker's.
bool exchange_is_beyond_grant(struct exchange *exchange);

// exchange_request.c
// A push is decided: from now on its pack is held against `max_pack`. False: it is too large already, and refused.
bool exchange_limit_pack(struct exchange *exchange) GL_MUST_CHECK;
void exchange_begin_request(struct exchange *exchange);
// Goes on sending: the connection takes more, or the client has brought more.
void exchange_send(struct exchange *exchange);
// Reads the rest of the body and forgets it; then comes the answer of our own, or the end where GitHub's is out.
void exchange_drain(struct exchange *exchange);
// Tells a client that holds its body back to send it.
void exchange_tell_continue(struct exchange *exchange);

// exchange_upstream.c
void exchange_ask_token(struct exchange *exchange);
void exchange_ask_upstream(struct exchange *exchange);
// Begins to send where all that is waited for is there.
void exchange_proceed(struct exchange *exchange);
// Ends what was asked for, and gives the connection back.
void exchange_release(struct exchange *exchange, bool keep_upstream);
// The connection was lost while nothing was sent on it yet: another one.
void exchange_replace_upstream(struct exchange *exchange);
// Whether sending again is safe.
bool exchange_may_repeat(const struct exchange *exchange);
// Whether all of the request is still here.
bool exchange_is_whole(const struct exchange *exchange);
// Sends it again on another connection after a pause; `renew`: with another token.
void exchange_repeat(struct exchange *exchange, int64_t pause_ms, bool renew);

// exchange_response.c
extern const struct stream_callbacks exchange_upstream_callbacks;
void exchange_pump_response(struct exchange *exchange);
// GitHub's head could not be sent on before: the client takes more now.
void exchange_pass_response(struct exchange *exchange);
// Ends a request that GitHub answers with an error, in GitHub's words as far as they came.
void exchange_refuse_with_quote(struct exchange *exchange);
// The pauses before another try while a token is so young that not all of GitHub knows it.
int64_t exchange_lag_pause(const struct exchange *exchange);

// exchange_capabilities.c
// Answers with a capability advertisement that is kept. False: there is none.
bool exchange_answer_kept(struct exchange *exchange);
// GitHub's answer begins, goes on, and is whole: what is worth it is kept.
void exchange_copy_begin(struct exchange *exchange);
void exchange_copy(struct exchange *exchange, struct bytes raw);
void exchange_copy_end(struct exchange *exchange);
// Something is wrong with the repository, or with what was kept of it: GitHub is asked again.
void exchange_forget_kept(struct exchange *exchange);

// exchange_event.c
// Counts the exchange, and writes its audit event: once, at its end.
void exchange_tell(struct exchange *exchange);

// exchange_answer.c
// Ends the request with a verdict, see exchange.h.
void exchange_refuse(struct exchange *exchange, const struct verdict *verdict);
void exchange_refuse_with(struct exchange *exchange, enum reason reason, const char *format, ...) GL_PRINTF(3, 4);
// Whether the rest of the request's body is read before the exchange ends.
bool exchange_must_drain(const struct exchange *exchange);
// Answers git's probe.
void exchange_answer_probe(struct exchange *exchange);
// The request's body is gone: the answer has its turn.
void exchange_answer(struct exchange *exchange);
// Sends what is left of it.
void exchange_send_answer(struct exchange *exchange);

#endif
