// The kinds of source that there are: one row each.
#ifndef GITLATCH_SOURCE_KINDS_H
#define GITLATCH_SOURCE_KINDS_H

#include <gitlatch/attr.h>

#include "source.h"

const struct source_kind *source_kind_of(enum credential_type type);
// Makes the source of a credential, whatever its kind; freed with source_free. `base` has all members but
// `id.kind`, identity and version.
struct source *source_new(const struct source *base, const struct credential_options *options, struct error *ret_error)
    GL_MUST_CHECK;

#endif
