// What github.com and the hosts beside it serve without git: pages, releases, archives, objects.
#ifndef GITLATCH_WEB_SERVICE_H
#define GITLATCH_WEB_SERVICE_H

#include "call.h"

// Pages of github.com that are not git's.
void web_service_serve(struct call *call);
// codeload.github.com: archives; raw.githubusercontent.com: files.
void web_service_serve_codeload(struct call *call);
void web_service_serve_raw(struct call *call);
// Hosts that are nobody's: says what it was asked.
void web_service_echo(struct call *call);

#endif
