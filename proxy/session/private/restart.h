// What is made at start and cannot change under those who use it: listeners, GitHub's hosts, the CA, the signing key.
#ifndef GITLATCH_RESTART_H
#define GITLATCH_RESTART_H

#include <stdbool.h>

#include <gitlatch/attr.h>

#include "config.h"
#include "error.h"

// Whether `new` changes something of that kind: `ret_error` says what.
bool restart_is_needed(const struct config *old, const struct config *new, struct error *ret_error) GL_MUST_CHECK;

#endif
