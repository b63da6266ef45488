// How an App proves itself: its key, or the command that signs in its stead, and the JWT made with it, by GitHub's
// clock.
#ifndef GITLATCH_APP_KEY_H
#define GITLATCH_APP_KEY_H

#include <stdbool.h>

#include <gitlatch/attr.h>

#include "clock.h"
#include "credential_options.h"
#include "error.h"
#include "source.h"

struct app_key;
struct app_key_request;
struct secret;

// Reads the key and tries it, or finds the command. NULL sets the error.
struct app_key *app_key_new(struct loop *loop, struct spawner *spawner, const struct credential_options *options,
                            struct error *ret_error) GL_MUST_CHECK;
void app_key_free(struct app_key *key);

// Reads the key again where its file changed; one that cannot be used is logged, and the old one kept. Gives what makes
// this key from another.
void app_key_refresh(struct app_key *key, char ret_version[static SOURCE_VERSION_SIZE]);

// Exactly one of the two is not NULL; on loan.
typedef void app_key_done_fn(void *arg, struct secret *jwt, const struct source_failure *failure);
// A JWT that is valid for some minutes more; however many wait, one is made. Ends with `done`, or
// with app_key_cancel.
struct app_key_request *app_key_jwt(struct app_key *key, app_key_done_fn *done, void *arg) GL_MUST_CHECK;
void app_key_cancel(struct app_key_request *request);

// GitHub did not take the JWT for its times; its clock shows `github` now: the next one is made by it.
void app_key_set_clock(struct app_key *key, struct wall github);
// GitHub's time, as well as it is known.
struct wall app_key_now(const struct app_key *key);

#endif
