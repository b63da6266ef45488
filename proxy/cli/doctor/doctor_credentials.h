// Credentials in a workspace.
#ifndef GITLATCH_DOCTOR_CREDENTIALS_H
#define GITLATCH_DOCTOR_CREDENTIALS_H

#include "doctor.h"

// Looks for credentials that a workspace should not hold. Prints none.
void doctor_examine_credentials(struct doctor *doctor);

#endif
