// Percent-encoding of paths (RFC 3986, 2.1).
#ifndef GITLATCH_PERCENT_H
#define GITLATCH_PERCENT_H

#include <stdbool.h>

#include <gitlatch/attr.h>
#include <gitlatch/bytes.h>

// Whether there is any.
bool percent_encoded(struct bytes text);
// Decodes once; `ret_text` has room for `text.size` bytes. A `%` without two hex digits stays. Gives what was written.
struct bytes percent_decode(struct bytes text, char *ret_text);

#endif
