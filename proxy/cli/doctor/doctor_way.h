// How a workspace is led to gitlatch.
#ifndef GITLATCH_DOCTOR_WAY_H
#define GITLATCH_DOCTOR_WAY_H

#include "doctor.h"

// Finds how GitHub is reached from here, and whether gitlatch answers there; then whether the clock is right.
void doctor_examine_ways(struct doctor *doctor);

#endif
