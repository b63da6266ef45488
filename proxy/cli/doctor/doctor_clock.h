// What must be right before a tool's trust can be judged: the clock, and whose CA is published.
#ifndef GITLATCH_DOCTOR_CLOCK_H
#define GITLATCH_DOCTOR_CLOCK_H

#include "doctor.h"

void doctor_examine_clock(struct doctor *doctor);
// Whether the published CA is that of the gitlatch that answers.
void doctor_examine_published(struct doctor *doctor);

#endif
