// The CA and what is published, from the configuration: the names that are intercepted, and how git reaches them.
#ifndef GITLATCH_WORKSPACE_IDENTITY_H
#define GITLATCH_WORKSPACE_IDENTITY_H

#include "config.h"
#include "identity.h"

// As identity_new.
struct identity *workspace_identity_new(struct loop *loop, const struct config *config, struct error *ret_error)
    GL_MUST_CHECK;

#endif
