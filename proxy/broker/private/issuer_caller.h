// What a token of an issuer says about its caller, once its signature is verified. Pure.
#ifndef GITLATCH_ISSUER_CALLER_H
#define GITLATCH_ISSUER_CALLER_H

#include <stdbool.h>

#include <gitlatch/attr.h>

#include "caller.h"
#include "clock.h"
#include "config.h"
#include "error.h"

struct id_token;

// Whether the token is for this broker.
bool issuer_caller_check_audience(const struct config_issuer *issuer, const struct id_token *token,
                                  struct error *ret_error) GL_MUST_CHECK;
// Whether it is for this broker, and good at `now`.
bool issuer_caller_check(const struct config_issuer *issuer, const struct id_token *token, struct wall now,
                         struct error *ret_error) GL_MUST_CHECK;
// Fills in what the token proves. What else `caller` holds stays.
void issuer_caller_fill(const struct config_issuer *issuer, const struct id_token *token, struct caller *caller);

#endif
