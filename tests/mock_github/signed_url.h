// URLs that carry their own authentication in the query, as object hosts want it.
#ifndef GITLATCH_SIGNED_URL_H
#define GITLATCH_SIGNED_URL_H

#include "call.h"

// The hrefs of a batch answer end after an hour (git-lfs docs/api/batch.md, `expires_in`).
#define SIGNED_URL_SECONDS 3600

enum signed_url_verdict { SIGNED_URL_GOOD, SIGNED_URL_BAD, SIGNED_URL_EXPIRED };

// https://HOST/PATH?… for one method; `path` begins with a slash. Owned by the caller.
char *signed_url_make(const char *method, const char *host, const char *path);
// Whether the call's own URL was made by signed_url_make, for its method.
enum signed_url_verdict signed_url_check(const struct call *call);
// A code that only the mock can make of a text, as hexadecimal digits; owned by the caller.
char *signed_url_code(const char *text);

#endif
