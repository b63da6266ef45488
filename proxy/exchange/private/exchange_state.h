// The state of an exchange, its beginning and its end: what exchange.c and the parts of its driver (exchange_answer.c,
// exchange_github.c, exchange_silence.c) share. They call downwards alone: exchange.c calls them, and they call this.
#ifndef GITLATCH_EXCHANGE_STATE_H
#define GITLATCH_EXCHANGE_STATE_H

#include <stdbool.h>
#include <stddef.h>

#include <gitlatch/attr.h>
#include <gitlatch/reason.h>
#include <gitlatch/verdict.h>

#include "attempt.h"
#include "budget.h"
#include "client.h"
#include "clock.h"
#include "download.h"
#include "judgement.h"
#include "kept_answer.h"
#include "loop.h"
#include "own_answer.h"
#include "record.h"
#include "request.h"
#include "runtime.h"
#include "upload.h"

// What the exchange does for the client.
enum exchange_phase {
    EXCHANGE_PREPARES, // the request is judged, its body read by the gate, a try at GitHub prepared
    EXCHANGE_SENDS,    // it goes to GitHub, whose answer is awaited
    EXCHANGE_QUOTES,   // GitHub's error is read, to be quoted
    EXCHANGE_CLEANS,   // the answer to a Git LFS batch is read, to be cleaned
    EXCHANGE_PASSES,   // GitHub's answer goes to the client
    EXCHANGE_ANSWERS,  // an answer of our own goes to the client
    EXCHANGE_DONE,     // the client has its answer
};

struct exchange {
    struct client *client;
    struct runtime *runtime; // a reference: the configuration that decides
    enum exchange_phase phase;
    struct mono entered;        // when the phase began
    bool client_closes;         // the client's connection ends with this exchange
    bool recorded;              // once: its metrics and its event
    size_t record_room;         // in the log, kept for the event of a write; 0: none
    struct budget_share budget; // what is held of the body and an answer
    struct mono started;
    struct mono moved; // when a byte last moved
    struct timer idle;
    struct deferred release; // it is freed from the loop: whoever called still looks at it
    // The parts, 19 KiB, each of which clears what must be clear for a new request: to clear it all would cost more than to
    // parse a request.
    struct request request;
    struct judgement judgement;
    struct upload upload;
    struct attempt attempt;
    struct download download;
    struct own_answer own_answer;
    struct verdict verdict;  // why it was refused or failed; REASON_NONE: it was not
    enum reason interrupted; // what cut an answer off that had a verdict already; REASON_NONE: nothing
};

// An exchange of this client, in EXCHANGE_PREPARES, with a reference to the client's configuration. The parts and the
// timer are for the caller to initialize.
struct exchange *exchange_state_new(struct client *client);
void exchange_state_enter(struct exchange *exchange, enum exchange_phase phase);
// A byte has moved.
void exchange_state_note_movement(struct exchange *exchange);
bool exchange_state_is_git(const struct exchange *exchange);
// The status that the client was sent; 0: none yet.
int exchange_state_status(const struct exchange *exchange);
// How the exchange uses the answers that are kept.
struct kept_answer exchange_state_kept_answer(const struct exchange *exchange);

// What is recorded of the exchange as it is now; and records it, once.
struct record exchange_state_as_record(const struct exchange *exchange);
void exchange_state_record(struct exchange *exchange);
// A write that could not be recorded is not done. Keeps room in the log for its event; false: there is none.
bool exchange_state_keep_record_room(struct exchange *exchange) GL_MUST_CHECK;

// The client has its answer, and the rest of its request is drained: from now on that has a limit, whatever moves.
void exchange_state_limit_drain(struct exchange *exchange);
// Ends the client's connection, and this exchange with it.
void exchange_state_close_client(struct exchange *exchange, enum reason reason);
// Records the exchange, leaves the client, and lets the client's next request begin.
void exchange_state_finish(struct exchange *exchange);
// Leaves the client: nothing is called any more, and the exchange is freed from the loop.
void exchange_state_leave(struct exchange *exchange);

#endif
