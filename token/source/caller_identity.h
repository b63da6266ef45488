// How a credential of type `broker` proves itself: by a token (in a file, from GitHub Actions' OIDC endpoint, or printed
// by a command), by a client certificate, or by both. Tokens are asked for anew whenever the last one is near its end.
// Source: GitHub, "OpenID Connect reference", "Methods for requesting the OIDC token".
#ifndef GITLATCH_CALLER_IDENTITY_H
#define GITLATCH_CALLER_IDENTITY_H

#include <stdbool.h>

#include <gitlatch/attr.h>

#include "credential_options.h"
#include "error.h"
#include "flight.h"
#include "http_transport.h"
#include "source.h"

struct caller_identity;

// All pointers outlive it but the options, which are copied.
struct caller_identity *caller_identity_new(const struct source *base, const struct credential_options *options,
                                            struct error *ret_error) GL_MUST_CHECK;
void caller_identity_free(struct caller_identity *identity); // NULL: nothing

enum caller_identity_state {
    CALLER_IDENTITY_READY,  // caller_identity_call may be used
    CALLER_IDENTITY_WAITS,  // a token is being asked for: the waiter is called later, and looks again
    CALLER_IDENTITY_FAILED, // the failure says why there is none
};
enum caller_identity_state caller_identity_look(struct caller_identity *identity, struct flight_waiter *waiter,
                                                struct source_failure *ret_failure) GL_MUST_CHECK;
// Whether it is ready as it is, with nothing to be asked for.
bool caller_identity_is_ready(struct caller_identity *identity);
// Whether it may become ready: false sets the failure, where a file cannot be read.
bool caller_identity_can(struct caller_identity *identity, struct source_failure *ret_failure) GL_MUST_CHECK;

// A call to `url`, with the token and the certificate.
struct http_call caller_identity_call(const struct caller_identity *identity, const char *method, const char *url,
                                      struct bytes body);
// The broker's URL, no slash at the end.
const char *caller_identity_url(const struct caller_identity *identity);
// What makes it another one, over reloads too: "URL FILE"; valid as long as the identity.
const char *caller_identity_name(const struct caller_identity *identity);

#endif
