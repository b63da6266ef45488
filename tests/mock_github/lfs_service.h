// The LFS API of github.com: batch and locks.
#ifndef GITLATCH_LFS_SERVICE_H
#define GITLATCH_LFS_SERVICE_H

#include "call.h"

void lfs_service_serve(struct call *call);

#endif
