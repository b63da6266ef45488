// The admin address: /healthz, /readyz, /metrics, /status, and a page for people. No answer ever holds a token.
#ifndef GITLATCH_ADMIN_H
#define GITLATCH_ADMIN_H

#include <stdbool.h>

#include <gitlatch/attr.h>

#include "address.h"
#include "bytes.h"
#include "error.h"
#include "host_name.h"

struct admin;
struct loop;
struct metrics;
struct service_call;
struct text;

// Appends a further member to an audit event that the page shows (`,"advice":…`), or nothing.
typedef void admin_advise_fn(void *arg, struct bytes event, struct text *text);

struct admin_options {
    struct loop *loop;
    struct metrics *metrics;
    struct address address;
    bool metrics_alone; // the `metrics` address: /metrics alone, without repository labels
    // Whether a Host field may name us beside our own address (`gateway_hosts`); NULL: none.
    bool (*is_own_name)(void *arg, const struct host_name *host);
    bool (*is_ready)(void *arg);
    // Whether it has all that it soon will have: until then the answer to /readyz waits. NULL: always.
    bool (*is_settled)(void *arg);
    void (*status)(void *arg, struct text *text); // appends the JSON object
    admin_advise_fn *advise;                      // NULL: none
    void *arg;
};

struct admin *admin_new(const struct admin_options *options, struct error *ret_error) GL_MUST_CHECK;
void admin_free(struct admin *admin); // NULL: nothing

// The same on another address of ours, the broker's: GET /healthz, /readyz and /metrics, the latter without repository
// labels. False: it is another call, and not answered.
bool admin_answer_probe(struct service_call *call, struct metrics *metrics, bool ready) GL_MUST_CHECK;

#endif
