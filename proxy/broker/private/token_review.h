// What the cluster is asked about a token, and what it says. Pure.
// Source: Kubernetes API reference, TokenReview (authentication.k8s.io/v1); service-account tokens.
#ifndef GITLATCH_TOKEN_REVIEW_H
#define GITLATCH_TOKEN_REVIEW_H

#include <stddef.h>

#include <gitlatch/attr.h>

#include "bytes.h"
#include "caller.h"
#include "clock.h"
#include "error.h"

struct secret;

#define TOKEN_REVIEW_PATH "/apis/authentication.k8s.io/v1/tokenreviews"

// Whether it can be a bearer token at all (RFC 6750, section 2.1): then it needs no quoting in JSON.
bool token_review_well_formed(struct bytes token);
// The end that a JWT names, unverified: an upper bound for how long its verdict may be kept. WALL_NEVER: none.
struct wall token_review_end(struct bytes token);

// The body of the question whether `token`, well-formed, is good for one of the audiences. It holds the token.
struct secret *token_review_body(struct bytes token, const char *const *audiences, size_t count) GL_MUST_CHECK;

enum token_review_result {
    TOKEN_REVIEW_PROVEN,     // `ret_caller` is filled, with the first of the audiences that the token is good for
    TOKEN_REVIEW_REFUSED,    // the error says why
    TOKEN_REVIEW_UNREADABLE, // this is no TokenReview; the error says so
};
enum token_review_result token_review_parse(struct bytes body, const char *const *audiences, size_t count,
                                            struct caller *ret_caller, struct error *ret_error) GL_MUST_CHECK;

#endif
