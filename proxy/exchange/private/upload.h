// The body of a request on its way from the client: read by the gate, held as long as it may have to be sent again, sent
// to GitHub, or drained where the request is refused.
#ifndef GITLATCH_UPLOAD_H
#define GITLATCH_UPLOAD_H

#include <stdbool.h>
#include <stdint.h>

#include <gitlatch/attr.h>
#include <gitlatch/verdict.h>

#include "body.h"
#include "body_gate.h"
#include "budget.h"
#include "pump.h"
#include "request.h"

struct stream;

// A request whose body is at most this long can be sent again as long as no byte of an answer has gone out: git's
// fetch requests have 1 to 60 KiB, an LFS batch of 100 objects 12 KiB.
#define UPLOAD_REPLAY_MAX ((size_t)64 * KIB)

// What is done with the client's bytes.
enum upload_state {
    UPLOAD_WAITS,    // nothing: the judgement, or a try at GitHub, is not there yet
    UPLOAD_INSPECTS, // the gate reads them
    UPLOAD_SENDS,    // they go to GitHub
    UPLOAD_SENT,     // all of them went
    UPLOAD_DRAINS,   // the request is refused: they are read to the body's end and forgotten
    UPLOAD_ENDED,    // it is refused, and no more is read
};

enum upload_result {
    UPLOAD_MORE,    // the rest is waited for, of the client or the connection
    UPLOAD_GATED,   // the gate has read what it wants to know
    UPLOAD_DONE,    // all of the body is sent
    UPLOAD_DRAINED, // all of it is read and forgotten
    UPLOAD_REFUSED, // see `verdict`
    UPLOAD_GONE,    // the client closed inside the body
};

// The pack has grown beyond `max_pack`. True: it may all the same.
typedef bool upload_over_fn(void *arg, const struct verdict *verdict);

// What is held of the body: what the gate has read, and what may be sent again. It is the payload alone: in chunks of a byte
// the framing has five bytes for each.
struct held_body {
    char *data;
    size_t size, capacity;
    bool complete;      // all that was taken from the client is here
    struct body reader; // a copy of the framing's state, moved on by what is held
    // Of the present try:
    bool sending; // it is being sent, with its frame
    struct body_frame frame;
    size_t sent; // of what stands before it, it and what stands after it together
};

struct upload {
    struct stream *client;
    const struct request *request;
    struct budget_share *budget; // the exchange's
    size_t gate_size;            // of it, what the gate keeps
    enum upload_state state;
    struct pump pump;
    struct body_gate *gate; // NULL: the body is passed on unseen
    bool gate_done;
    bool awaits_continue; // the client holds its body back until it receives 100 (Continue)
    bool unframed;        // the framing is malformed: where the next request begins is not known
    struct held_body held;
    uint64_t max_pack; // bytes
    upload_over_fn *over;
    void *arg;      // of `over`
    uint64_t bytes; // read of the client
    // What follows is not cleared for a new request, see request.h.
    struct verdict verdict; // UPLOAD_REFUSED
};

void upload_init(struct upload *upload, const struct request *request, struct stream *client,
                 struct budget_share *budget, upload_over_fn *over, void *arg);
void upload_clear(struct upload *upload);
// The head is known: its body follows in the client's input.
void upload_begin(struct upload *upload);

// Opens the gate that the operation has, if any, and asks a client for its body that holds it back. Returns whether there
// is a gate: then upload_inspect.
bool upload_open_gate(struct upload *upload) GL_MUST_CHECK;
// Gives the gate what there is, until it has decided.
enum upload_result upload_inspect(struct upload *upload) GL_MUST_CHECK;
// Holds the pack against `max_pack` from now on; 0: there is no limit. False: it is too large already, see `verdict`.
bool upload_limit_pack(struct upload *upload, uint64_t max_pack) GL_MUST_CHECK;

// Begins a try at GitHub, with the body's first byte. The head was written.
void upload_start_sending(struct upload *upload);
// Goes on sending what there is.
enum upload_result upload_send(struct upload *upload, struct stream *upstream) GL_MUST_CHECK;
// The try has failed: waits for the next.
void upload_wait(struct upload *upload);
// Whether all of the body that was taken from the client is held, in the middle of a try: it can be sent again.
bool upload_is_whole(const struct upload *upload);
// Whether there is more to send than GitHub takes.
bool upload_is_stuck(const struct upload *upload);

// No more is sent. Returns whether the rest of the body is to be drained before the request ends: with upload_drain.
bool upload_stop(struct upload *upload) GL_MUST_CHECK;
enum upload_result upload_drain(struct upload *upload) GL_MUST_CHECK;
// Whether the client's input is at the end of this body: the next request can follow.
bool upload_is_at_end(const struct upload *upload);

#endif
