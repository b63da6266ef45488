// The tools of a workspace.
#ifndef GITLATCH_DOCTOR_TOOLS_H
#define GITLATCH_DOCTOR_TOOLS_H

#include "doctor.h"

// Runs each tool that is found, to see that it reaches gitlatch and trusts its CA.
void doctor_examine_tools(struct doctor *doctor);

#endif
