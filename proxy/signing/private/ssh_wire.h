// SSH's encoding of data (RFC 4251, section 5), read from the front of a view.
#ifndef GITLATCH_SSH_WIRE_H
#define GITLATCH_SSH_WIRE_H

#include <stdbool.h>
#include <stdint.h>

#include <gitlatch/attr.h>

#include "bytes.h"
#include "text.h"

// Each takes one value off the front of `input`. False: the input is too short, and is unchanged.
bool ssh_wire_uint32(struct bytes *input, uint32_t *ret_value) GL_MUST_CHECK;
// A length and so many bytes; `ret_string` is a view of the input.
bool ssh_wire_string(struct bytes *input, struct bytes *ret_string) GL_MUST_CHECK;

// Append a field.
void ssh_wire_put_uint32(struct text *output, uint32_t value);
void ssh_wire_put_string(struct text *output, struct bytes string);

#endif
