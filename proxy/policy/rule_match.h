// The `match` of a rule: a pattern of repositories, behind the name of their host where that is not the first GitHub.
#ifndef GITLATCH_RULE_MATCH_H
#define GITLATCH_RULE_MATCH_H

#include <stdbool.h>

#include "bytes.h"

// Splits a `match` that begins with a host, which has a dot or a port and no wildcard: "gitlab.corp/group/**". False: it
// names none, and the pattern is the whole.
bool rule_match_split(const char *match, struct bytes *ret_web, struct bytes *ret_pattern);

#endif
