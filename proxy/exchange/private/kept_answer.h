// `upstream.keep_capabilities`: the answer to a fetch's first request holds no ref, so it is kept for the next fetch of
// the same repository by the same rules and in the same protocol version (kept_capabilities.h). The rules decide each
// request before it gets here, and a reload starts with nothing kept.
#ifndef GITLATCH_KEPT_ANSWER_H
#define GITLATCH_KEPT_ANSWER_H

#include <stdbool.h>
#include <stddef.h>

#include <gitlatch/attr.h>
#include "bytes.h"

#include "head.h"
#include "request.h"
#include "runtime.h"

// Whose answer may be kept.
struct kept_answer {
    const struct runtime *runtime;
    const struct request *request;
    bool anonymous;     // no token goes with it
    bool outside_grant; // it is decided once more when its token is there
};

// A view, valid until the next call; empty: none is kept.
struct bytes kept_answer_find(const struct kept_answer *kept) GL_MUST_CHECK;
// How many bytes of the body of GitHub's answer are to be copied while they are passed on; 0: none.
size_t kept_answer_copy_size(const struct kept_answer *kept, const struct head *answer);
// The answer is whole, and `copy` the front of its body: what is worth it is kept.
void kept_answer_take(const struct kept_answer *kept, const struct head *answer, struct bytes copy);
// Something is wrong with the repository, or with what was kept of it: the next fetch asks GitHub. False: nothing was kept.
bool kept_answer_forget(const struct runtime *runtime, const struct operation *operation);

#endif
