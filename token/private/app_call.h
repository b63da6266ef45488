// One call to GitHub as the App: with its JWT, which is made anew by GitHub's clock where the two clocks differ, and not
// at all while GitHub said to wait.
#ifndef GITLATCH_APP_CALL_H
#define GITLATCH_APP_CALL_H

#include <gitlatch/attr.h>

#include "app_key.h"
#include "github_call.h"
#include "http_transport.h"
#include "source.h"

// Embedded in the App's source.
struct app_caller {
    const struct source *source; // whose transport, host and metrics are used
    struct app_key *key;
    struct mono limited_until; // GitHub's rate limit was reached
    unsigned limited;          // times in a row
};

struct app_call;

// Exactly one of the two is not NULL: an answer of 2xx or 3xx, or why there is none.
typedef void app_call_done_fn(void *arg, const struct http_answer *answer, const struct source_failure *failure);

// `call` is taken over. Ends with `done`, or with app_call_cancel.
struct app_call *app_call_start(struct app_caller *caller, struct github_call call, app_call_done_fn *done, void *arg)
    GL_MUST_CHECK;
void app_call_cancel(struct app_call *call);

#endif
