// One call to the broker, from its arrival to its answer: who asks, what is granted, and the event that records it.
#ifndef GITLATCH_BROKER_CALL_H
#define GITLATCH_BROKER_CALL_H

#include <stdbool.h>
#include <stdint.h>

#include <gitlatch/token_service.h>
#include <gitlatch/verdict.h>

#include "broker_runtime.h"
#include "bytes.h"
#include "caller.h"
#include "clock.h"
#include "token_question.h"

struct callers_request;
struct loop;
struct metrics;
struct rate_limiter;
struct service_call;

// What all calls share; outlives them.
struct broker_context {
    struct loop *loop;
    struct metrics *metrics;
    struct rate_limiter *limiter; // by caller, and by address for the admin bearer
    uint32_t id_prefix, last_id;
};

// 8 hex digits of this process, 8 of the call.
#define BROKER_CALL_ID_SIZE 17

struct broker_call {
    struct broker_context *context;
    struct broker_runtime *runtime; // a reference
    struct service_call *http;
    char id[BROKER_CALL_ID_SIZE];
    char client[64]; // address, without its port
    struct mono started;
    bool quiet; // no event, where it is answered well: nothing was given that matters

    struct callers_request *proving; // NULL: it is not waited for
    void (*proven)(struct broker_call *call);
    struct caller caller; // all NULL: not proven, or an admin
    char *tenant;         // whose tokens are paced on their own; NULL as well

    struct token_question question; // all zero: none was read
    char *scope;                    // of the token asked for, for people; NULL: none is asked for
    struct token_request *asking;   // NULL: it is not waited for
    void (*granted)(struct broker_call *call, struct token *token);
    void (*listed)(struct broker_call *call, const struct token_listing *listing);
    void (*failed)(struct broker_call *call, const struct verdict *verdict);
};

// Lives until it is answered or its client has gone.
struct broker_call *broker_call_new(struct broker_context *context, struct broker_runtime *runtime,
                                    struct service_call *http);

// The token after `Authorization: Bearer`; empty: there is none.
struct bytes broker_call_bearer(const struct broker_call *call);
// Counts a call of `name`; one too many is answered 429, and false is given.
bool broker_call_within_limit(struct broker_call *call, const char *name) GL_MUST_CHECK;
// Has the caller proven, whose rate is then looked at, and goes on with `proven`; or answers why not.
void broker_call_prove(struct broker_call *call, void (*proven)(struct broker_call *call));
// Asks for a token, and goes on with one of the two. `scope` is copied; what it points to is the call's.
void broker_call_ask(struct broker_call *call, const struct scope *scope,
                     void (*granted)(struct broker_call *call, struct token *token),
                     void (*failed)(struct broker_call *call, const struct verdict *verdict));

// Asks for the repositories of the question's owner, and goes on with one of the two.
void broker_call_list(struct broker_call *call,
                      void (*listed)(struct broker_call *call, const struct token_listing *listing),
                      void (*failed)(struct broker_call *call, const struct verdict *verdict));

// Each answers, writes the event, and frees the call.
// 200 with JSON. `token`: the one that the body holds, in its first 16 KiB; NULL: none.
void broker_call_answer(struct broker_call *call, struct bytes json, struct token *token);
// The same without a token; `message` goes with it in a field of its own, what is not printable in it as `?`.
void broker_call_answer_with(struct broker_call *call, struct bytes json, struct bytes message);
// The verdict's status with {"error","message"}; a renamed repository with its new name, too.
void broker_call_refuse(struct broker_call *call, const struct verdict *verdict);
// What GitHub does not give is not the caller's fault: 503, for it may come back; 404 where no App is configured, and there
// is nothing to come back for.
void broker_call_fail(struct broker_call *call, const struct verdict *verdict);
// The same where one word is the whole answer.
void broker_call_refuse_with(struct broker_call *call, enum reason reason, int status, const char *sentence);

#endif
