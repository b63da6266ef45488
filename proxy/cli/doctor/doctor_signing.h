// Whether commits of this workspace are signed, where gitlatch signs them, and what *Verified* at GitHub needs.
#ifndef GITLATCH_DOCTOR_SIGNING_H
#define GITLATCH_DOCTOR_SIGNING_H

#include "doctor.h"

// Reports nothing where gitlatch signs no commits. After doctor_examine_ways.
void doctor_examine_signing(struct doctor *doctor);

#endif
