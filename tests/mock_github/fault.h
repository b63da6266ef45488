// What a test wants to go wrong: set through the control API, played where a request matches.
#ifndef GITLATCH_FAULT_H
#define GITLATCH_FAULT_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include <gitlatch/attr.h>

struct call;

// A fault lives until the process ends, also after it was taken away, since calls may be playing it.
struct fault {
    uint64_t id;
    // Which requests; shell patterns, NULL: any.
    const char *host;
    const char *method;
    const char *path; // matched with the path as it was sent
    const char *query;
    int authorization; // 1: only requests with one, 0: only without, -1: any
    // How often.
    int64_t skip;       // the first that match are let through
    int64_t count;      // then so many are hit; -1: all
    double probability; // of each
    int64_t hits;
    // What happens.
    int64_t delay_ms; // before anything else
    int status;       // 0: the answer is the real one
    const char *headers;
    const char *body;
    int64_t size;         // > 0: a body of so many bytes in place of `body`
    int64_t after_body;   // ≥ 0: not before so many bytes of the request's body were read
    bool close;           // close the connection (after the answer, where there is one)
    bool reset;           // the same with a TCP reset
    bool hang;            // read the request, answer nothing
    bool swallow;         // read the whole body first
    int64_t cut_after;    // ≥ 0: the answer ends after so many bytes of its body, and the connection
    int64_t length_error; // added to the answer's Content-Length
    int64_t read_rate;    // > 0: bytes of the request's body taken a second
    int64_t write_rate;   // > 0: bytes of the answer's body given a second
    const char *raw;      // written as it is, in place of an answer; then closed
    struct fault *next;
    bool removed;
};

// Adds the fault that an object describes (README.md, "Faults"). 0 where it is malformed: *ret_problem.
uint64_t fault_add(json_t *description, const char **ret_problem);
// Takes one away, or all (id 0).
void fault_remove(uint64_t id);
json_t *fault_list(void);
// The first fault that this call is hit by, counted; NULL: none.
const struct fault *fault_match(const struct call *call);
// Plays what comes before the request is looked at. True: the call was answered, or its connection is broken.
bool fault_play(struct call *call);
// The answer itself: status, raw bytes, hang, reset.
void fault_answer(struct call *call);

#endif
