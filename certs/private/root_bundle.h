// bundle.pem: the system's roots and our CA, for the tools that know one file of roots only.
#ifndef GITLATCH_ROOT_BUNDLE_H
#define GITLATCH_ROOT_BUNDLE_H

#include <stdbool.h>
#include <stddef.h>

#include <gitlatch/attr.h>

#include "error.h"
#include "text.h"

// Adds the certificates of a PEM file, and nothing else that may be in it: a key must not be published. Fails
// where the file cannot be read, is damaged, or holds no certificate.
bool root_bundle_append(struct text *bundle, const char *path, struct error *ret_error) GL_MUST_CHECK;

#endif
