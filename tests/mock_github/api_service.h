// api.github.com, uploads.github.com, and an Enterprise Server's /api.
#ifndef GITLATCH_API_SERVICE_H
#define GITLATCH_API_SERVICE_H

#include "call.h"

void api_service_serve(struct call *call);

#endif
