// The page for people at `/` of the admin address: page.html, which shows what /events, /status, /metrics and /reasons say.
#ifndef GITLATCH_ADMIN_PAGE_H
#define GITLATCH_ADMIN_PAGE_H

#include "bytes.h"

// HTML that loads nothing from elsewhere.
struct bytes admin_page(void);
// Its Content-Security-Policy: the page's own script and style, by their hashes, and this address; nothing else.
struct bytes admin_page_policy(void);

#endif
