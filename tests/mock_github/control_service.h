// The control API: what tests ask of the mock, over plain HTTP on a loopback port of its own (README.md).
#ifndef GITLATCH_CONTROL_SERVICE_H
#define GITLATCH_CONTROL_SERVICE_H

#include "call.h"

void control_service_serve(struct call *call);

#endif
