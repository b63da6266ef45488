// POST /app/installations/{id}/access_tokens.
#ifndef GITLATCH_API_MINT_H
#define GITLATCH_API_MINT_H

#include "api.h"

api_handler api_mint;

// From now on each token grants these permissions too, though nobody asked for them; NULL: no longer.
// `permissions` is given away. Under the world's lock.
void api_mint_widen(json_t *permissions);

#endif
