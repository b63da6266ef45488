// The query of a request's URL, on its way to GitHub.
#ifndef GITLATCH_QUERY_H
#define GITLATCH_QUERY_H

#include <stdbool.h>

#include "bytes.h"
#include "wire.h"

// Writes `?` and the query without the parameters that hold a credential: access_token and client_secret,
// however their names are encoded. What is left keeps its bytes; nothing is written where all were left out.
void query_put(struct wire *out, struct bytes query);

#endif
