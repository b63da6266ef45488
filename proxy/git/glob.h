// The one pattern language of gitlatch, for refs, API paths and names: `*` stays within a segment, `**`
// crosses segments, every other byte stands for itself.
#ifndef GITLATCH_GLOB_H
#define GITLATCH_GLOB_H

#include <stdbool.h>

#include "bytes.h"

// The longest ref pattern anybody would write; bounds the cost of a match.
#define GLOB_SIZE_MAX 1024

// Whether the whole text matches. A wildcard matches the empty run, too. Costs a few steps a byte of the text,
// and never more than pattern size × text size. A pattern longer than GLOB_SIZE_MAX matches nothing.
bool glob_match(struct bytes pattern, struct bytes text);
// The same without regard to ASCII case.
bool glob_match_nocase(struct bytes pattern, struct bytes text);
// Whether there is a wildcard in it.
bool glob_is_pattern(struct bytes pattern);

#endif
