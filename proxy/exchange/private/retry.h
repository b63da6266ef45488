// What is sent to GitHub again after a failed try: one table (retry.c), whose input is what the operation is and how far
// the try came. Pure.
#ifndef GITLATCH_RETRY_H
#define GITLATCH_RETRY_H

#include <stdbool.h>
#include <stdint.h>

#include <gitlatch/attr.h>

#include "operation.h"

// How a try failed.
enum retry_failure {
    RETRY_UNAUTHORIZED, // GitHub answered 401
    RETRY_FORBIDDEN,    // GitHub answered 403
    RETRY_NOT_FOUND,    // GitHub answered 404
    RETRY_KEPT,         // a fetch failed, for which capabilities were kept
    RETRY_LOST,         // the connection broke, or its peer vanished, before a byte of an answer
    RETRY_UNUSED_LOST,  // the connection broke before the request was sent on it
};

struct retry_facts {
    enum retry_failure failure;
    const struct operation *operation;
    bool whole;           // all of the request is still here
    bool written;         // a byte of the request has gone out
    bool reused;          // the connection had carried a request before
    bool has_token;       // one was attached,
    int64_t token_age_ms; // which was minted so long ago
    bool says_why;        // the answer gives a reason that time alone does not mend: a rate limit, a missing permission
    bool exists;          // what is asked for is the repository itself, and the token was minted for it
    bool renewed;         // a token was given up for this request already
    unsigned tries;       // that failed before this one
};

struct retry {
    int64_t pause_ms;
    bool new_token;
    const char *why; // for the log
};

// The failure that an answer of this status is; false: none.
bool retry_of_status(int status, enum retry_failure *ret_failure) GL_MUST_CHECK;
// False: the failure is final.
bool retry_find(const struct retry_facts *facts, struct retry *ret_retry) GL_MUST_CHECK;

#endif
