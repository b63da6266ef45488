// SSH's encoding of data (RFC 4251, section 5), read from the front of a view.
#ifndef GITLATCH_SSH_WIRE_H
#define GITLATCH_SSH_WIRE_H

#include <stdbool.h>
#include <stdint.h>

#include <gitlatch/attr.h>

#include "bytes.h"

// Each takes one value off the front of `input`. False: the input is too short, and is unchanged.
bool ssh_wire_uint32(struct bytes *input, uint32_t *ret_value) GL_MUST_CHECK;
// A length and so many bytes; `ret_string` is a view of the input.
bool ssh_wire_string(struct bytes *input, struct bytes *ret_string) GL_MUST_CHECK;

#endif
