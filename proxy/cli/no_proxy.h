// NO_PROXY, as the tools of a workspace read it. Pure.
#ifndef GITLATCH_NO_PROXY_H
#define GITLATCH_NO_PROXY_H

#include <stdbool.h>

#include <gitlatch/attr.h>

#include "bytes.h"

// The entry by which some tool would go to this host past the proxy; false: there is none. Tools differ: an entry
// without a leading dot holds subdomains too for curl and Go, one with `*.` for Python and Node; each is taken here.
bool no_proxy_bypasses(struct bytes list, struct bytes host, struct bytes *ret_entry) GL_MUST_CHECK;

#endif
