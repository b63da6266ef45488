// The tries at GitHub: a token and a connection are asked for and waited for, the request's head is written, the answer's
// head is read. What fails on the way is tried again where retry.c says so; nobody else knows that there was more than one
// try, but by `again`.
#ifndef GITLATCH_ATTEMPT_H
#define GITLATCH_ATTEMPT_H

#include <stdbool.h>
#include <stdint.h>

#include <gitlatch/attr.h>
#include <gitlatch/scope.h>
#include <gitlatch/token.h>
#include <gitlatch/token_service.h>
#include <gitlatch/verdict.h>

#include "head.h"
#include "loop.h"
#include "request.h"
#include "retry.h"
#include "runtime.h"

struct pool_request;
struct stream;
struct upstream;

#define GITHUB_REQUEST_ID_SIZE 64
// Four sets of two permissions each; a longer value is not kept.
#define GITHUB_NEEDS_SIZE 320

enum attempt_state {
    ATTEMPT_PREPARES, // token, connection or a pause are waited for, as far as they were asked for
    ATTEMPT_SENT,     // the head was written: the answer's head is waited for
    ATTEMPT_ANSWERED, // `answer` is there
    ATTEMPT_ENDED,
};

struct attempt_callbacks {
    // Whether the request's body can be sent again from its first byte.
    bool (*is_whole)(void *arg);
    // Token and connection are there: attempt_send_head has its turn.
    void (*ready)(void *arg);
    // This try has failed, and another begins: what was sent is to be sent again once `ready` comes.
    void (*again)(void *arg, const struct retry *retry);
    // The head of the answer is there, in `answer`; its bytes are at the front of the connection's input.
    void (*head)(void *arg);
    // After `head`: the connection has more input, or its end. At any time once sent: it takes more.
    void (*input)(void *arg);
    void (*output)(void *arg);
    void (*failed)(void *arg, const struct verdict *verdict);
};

struct attempt {
    const struct attempt_callbacks *callbacks;
    void *arg;
    const struct request *request;
    struct runtime *runtime;
    struct loop *loop;
    enum attempt_state state;
    const struct scope *scope;           // of the token; NULL: none is attached
    struct token_request *token_request; // in progress
    bool token_ready;                    // had, or not needed
    struct token *token;                 // NULL: none is attached
    struct pool_request *pool_request;   // in progress
    struct upstream *upstream;
    uint64_t written_before; // bytes of earlier requests on that connection
    unsigned tries;          // that failed and were made again
    const char *retried;     // why the last of them was made again, static; NULL: there was none
    bool renewed;            // a token was given up for a 401
    struct timer pause;      // before the next try
    char github_request_id[GITHUB_REQUEST_ID_SIZE];
    char needs[GITHUB_NEEDS_SIZE]; // X-Accepted-GitHub-Permissions
    // What follows is not cleared for a new request, see request.h.
    struct head answer; // from ATTEMPT_SENT on
};

void attempt_init(struct attempt *attempt, const struct request *request, struct runtime *runtime, struct loop *loop,
                  const struct attempt_callbacks *callbacks, void *arg);
// Ends it: nothing is called any more. `keep`: the connection can serve another request.
void attempt_end(struct attempt *attempt, bool keep);
void attempt_clear(struct attempt *attempt);

// Asks for the token of this scope, which lives as long as the attempt; NULL: none is needed.
void attempt_ask_token(struct attempt *attempt, const struct scope *scope);
// Asks for a connection. Token and connection can be there at once: then attempt_is_ready is true, and `ready` does not
// come.
void attempt_ask_connection(struct attempt *attempt);
bool attempt_is_ready(const struct attempt *attempt);
// Writes the request's head. False: it does not fit.
bool attempt_send_head(struct attempt *attempt) GL_MUST_CHECK;
// After `head`, before anything of the answer is used: begins another try where retry.c allows it. True: `again` was called.
bool attempt_asks_again(struct attempt *attempt, enum retry_failure failure) GL_MUST_CHECK;
// The connection of the present try.
struct stream *attempt_stream(const struct attempt *attempt);

#endif
