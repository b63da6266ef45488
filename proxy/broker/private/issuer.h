// One issuer of OpenID Connect tokens and its public keys: read from a file, or fetched, once for all who wait, and kept.
// Sources: OpenID Connect Discovery 1.0, section 4; RFC 7517.
#ifndef GITLATCH_ISSUER_H
#define GITLATCH_ISSUER_H

#include <stdbool.h>

#include <gitlatch/attr.h>

#include "config.h"
#include "error.h"
#include "flight.h"
#include "http_transport.h"
#include "key_set.h"

struct id_token;
struct issuer;
struct loop;

// `config` and all pointers to other parts outlive it. Reads the roots, and the file with keys where there is one.
struct issuer *issuer_new(struct loop *loop, struct http_transport *transport, const struct config_issuer *config,
                          struct error *ret_error) GL_MUST_CHECK;
// Nobody waits for it any more.
void issuer_free(struct issuer *issuer); // NULL: nothing

const struct config_issuer *issuer_config(const struct issuer *issuer);

// Whether the keys at hand can decide on the token. False: they are being fetched, and `waiter` has joined those who wait;
// when it is called it asks again, and gets true. Keys are asked for anew for a key id that they lack, at most once a
// minute, and in the background where they are some minutes old.
bool issuer_is_ready(struct issuer *issuer, const struct id_token *token, struct flight_waiter *waiter) GL_MUST_CHECK;
// The keys; empty: none could be had, or none for an hour.
const struct key_set *issuer_keys(const struct issuer *issuer);
// Why the last fetch failed; "": it did not.
const char *issuer_problem(const struct issuer *issuer);

#endif
