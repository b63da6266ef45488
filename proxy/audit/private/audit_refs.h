// The member `refs` of a push's event: as many refs as fit, the others by their number and a digest.
#ifndef GITLATCH_AUDIT_REFS_H
#define GITLATCH_AUDIT_REFS_H

#include <stddef.h>

#include <gitlatch/attr.h>

#include "push_commands.h"
#include "text.h"

// Bytes that audit_refs_append appends at most.
size_t audit_refs_size(const struct push_commands *push) GL_MUST_CHECK;
// Appends `,"refs":[{"ref","old","new"}…]`; where not all fit, also `,"refs_count":N`, the number of all, and
// `,"refs_digest":"…"`, the SHA-256 of the others' lines "OLD NEW REF\n" in their order.
void audit_refs_append(const struct push_commands *push, struct text *text);

#endif
