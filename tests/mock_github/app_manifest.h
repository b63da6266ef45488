// The manifests of Apps that wait for their code to be used.
#ifndef GITLATCH_APP_MANIFEST_H
#define GITLATCH_APP_MANIFEST_H

#include "call.h"

struct api_request;
struct api_answer;

// github.com/settings/apps/new, organizations/ORG/settings/apps/new, and the button of the page that these show. False: the
// call asks for something else.
bool app_manifest_serve(struct call *call);
// POST /app-manifests/CODE/conversions. Under the world's lock.
void app_manifest_convert(const struct api_request *request, struct api_answer *answer);

#endif
