// The page for people at `/` of the admin address: it shows what /status and /metrics say.
#ifndef GITLATCH_ADMIN_PAGE_H
#define GITLATCH_ADMIN_PAGE_H

#include "bytes.h"

// HTML that loads nothing from elsewhere.
struct bytes admin_page(void);

#endif
